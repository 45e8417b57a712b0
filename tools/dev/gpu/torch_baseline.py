"""The networks in PyTorch on this GPU, eager and compiled, bf16, channels_last: what the engine is held against.

Prints one JSON object a line, and first the rate of a large bf16 matrix product. Random weights: speed alone.
"""

import json
import statistics

import torch
from torch import nn
from torch.nn import functional as F

SIZES = {"cdsr-rt": [(960, 540), (1920, 1080)], "cdsr-10": [(960, 540)], "cdsr-2": [(1280, 720)],
         "cdsr-rt-dqa": [(960, 540)]}


def conv(inputs, outputs, kernel=3):
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)


class Dqa(nn.Module):
    """The dynamic filter is given, as for a shot; its cost is a vector's."""

    def __init__(self, nf):
        super().__init__()
        self.filter = nn.Parameter(torch.randn(nf, 1, 3, 3) * 0.1)
        self.gate = nn.Parameter(torch.rand(1, nf, 1, 1))
        self.conv = conv(nf, nf, 1)

    def forward(self, x):
        y = F.leaky_relu(F.conv2d(x, self.filter, padding=1, groups=x.shape[1]), 0.1)
        return F.leaky_relu(self.conv(y) + x * self.gate, 0.1)


class DenseBlock(nn.Module):
    def __init__(self, nf, gc):
        super().__init__()
        self.convs = nn.ModuleList(conv(nf + i * gc, gc if i < 4 else nf) for i in range(5))

    def forward(self, x):
        parts = [x]
        for layer in self.convs[:4]:
            parts.append(F.leaky_relu(layer(torch.cat(parts, 1)), 0.2))
        return self.convs[4](torch.cat(parts, 1)) * 0.2 + x


class Block(nn.Module):
    def __init__(self, nf, gc):
        super().__init__()
        self.dqa1, self.conv1, self.conv2 = Dqa(nf), conv(nf, nf), conv(nf, nf)
        self.dqa2 = Dqa(nf) if gc else None
        self.rdbs = nn.ModuleList(DenseBlock(nf, gc) for _ in range(3)) if gc else []

    def forward(self, x):
        t = F.leaky_relu(self.conv1(self.dqa1(x)), 0.1)
        if self.dqa2 is None:
            return self.conv2(t) + x
        t = self.conv2(self.dqa2(t)) + x
        for rdb in self.rdbs:
            t = rdb(t)
        return t * 0.2 + x


class Stack(nn.Module):
    """On luma, with a shot's weights."""

    channels = 1

    def __init__(self, nf, blocks):
        super().__init__()
        self.head, self.tail = conv(1, nf), conv(nf, 4)
        self.convs = nn.ModuleList(conv(nf, nf) for _ in range(blocks))

    def forward(self, x):
        f0 = f = F.leaky_relu(self.head(x), 0.1)
        for layer in self.convs[:-1]:
            f = F.leaky_relu(layer(f), 0.1)
        f = F.leaky_relu(self.convs[-1](f) + f0, 0.1)
        return F.pixel_shuffle(self.tail(f), 2) + F.interpolate(x, scale_factor=2, mode="bicubic")


class Network(nn.Module):
    channels = 3

    def __init__(self, nf, gc, blocks):
        super().__init__()
        self.head, self.tail = conv(3, nf), conv(nf, 12)
        self.blocks = nn.ModuleList(Block(nf, gc) for _ in range(blocks))
        self.trunk = conv(nf, nf) if gc else None

    def forward(self, x):
        f0 = f = self.head(x)
        for block in self.blocks:
            f = block(f)
        if self.trunk is not None:
            return F.pixel_shuffle(self.tail(self.trunk(f) + f0), 2)
        return F.pixel_shuffle(self.tail(f), 2) + F.interpolate(x, scale_factor=2, mode="bicubic")


NETWORKS = {"cdsr-rt": lambda: Stack(32, 5), "cdsr-10": lambda: Network(64, 32, 10),
            "cdsr-2": lambda: Network(64, 32, 2), "cdsr-rt-dqa": lambda: Network(32, 0, 2)}


def milliseconds(call, repeats=21, warm=3):
    for _ in range(warm):
        call()
    times = []
    for _ in range(repeats):
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        call()
        stop.record()
        stop.synchronize()
        times.append(start.elapsed_time(stop))
    return statistics.median(times)


def main():
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    ms = milliseconds(lambda: a @ b)
    print(json.dumps({"matrix_tflops": 2 * 8192**3 / ms * 1e-9}), flush=True)
    for name, make in NETWORKS.items():
        for width, height in SIZES[name]:
            net = make().cuda().bfloat16().to(memory_format=torch.channels_last).eval()
            x = torch.rand(1, net.channels, height, width, device="cuda").bfloat16()
            x = x.to(memory_format=torch.channels_last)
            with torch.inference_mode():
                eager = milliseconds(lambda: net(x))
                compiled = torch.compile(net)
                fast = milliseconds(lambda: compiled(x))
            print(json.dumps({"network": name, "size": f"{width}x{height}", "eager_ms": eager, "compiled_ms": fast}),
                  flush=True)


if __name__ == "__main__":
    main()
