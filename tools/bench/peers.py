"""The rounds of peers.sh: every runtime in a process of its own, one at a time, and the table of medians.

A worker prepares its network, compares its picture with ONNX Runtime's, and then makes frames when told to: it answers with
wall clock and processor time a frame. A runtime that cannot be had is a row that says why.
"""

import argparse
import json
import logging
import os
import re
import statistics
import subprocess
import sys
import time

import numpy

PEERS = ("onnxruntime", "openvino", "openvino-bf16", "openvino-int8", "ncnn", "ncnn-direct")


def picture(width, height):
    y, x = numpy.mgrid[0:height, 0:width]
    planes = [0.5 + 0.4 * numpy.sin(0.13 * x + 0.05 * (p + 1) * y) * numpy.cos(0.021 * y) for p in range(3)]
    return numpy.stack(planes)[None].astype(numpy.float32)


def prepare(work, size):
    """The shot's network with one input, constants folded: net.onnx; quantized: net-int8.onnx."""
    import onnx
    import onnxruntime
    from onnxruntime import quantization

    onnxruntime.set_default_logger_severity(3)
    width, height = size
    frame = picture(width, height)

    def session(path, options=None):
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def file(name):
        return os.path.join(work, name)

    given = ()
    if os.path.exists(file("net-embedding.onnx")):
        # The embedding of a window, as the engine has it for a large picture.
        (embedding,) = session(file("net-embedding.onnx")).run(["embedding"], {"picture": frame[:, :, :96, :96]})
        (queries,) = session(file("net-sr.onnx")).run(["queries"], {"picture": frame, "embedding": embedding})
        model = onnx.load(file("net-sr-shot.onnx"))
        given = (("embedding", embedding), ("queries", queries))
    else:
        # The weights are mixed for a shot already; of luma.
        frame = frame[:, :1]
        model = onnx.load(file("net-sr.onnx"))
    numpy.save(file("frame.npy"), frame)
    graph = model.graph
    for name, value in given:
        graph.initializer.append(onnx.numpy_helper.from_array(value, name))
        graph.input.remove(next(i for i in graph.input if i.name == name))
    for value, sides in ((graph.input[0], (height, width)), (graph.output[0], (None, None))):
        for dim, side in zip(value.type.tensor_type.shape.dim[2:], sides):
            dim.Clear()
            if side is not None:
                dim.dim_value = side
    for i, node in enumerate(graph.node):
        node.name = f"node{i}"
    onnx.save(model, file("shot.onnx"))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = file("net.onnx")
    expected = session(file("shot.onnx"), options).run(None, {"picture": frame})[0]
    numpy.save(file("expected.npy"), expected)

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = [{"picture": frame}]

        def get_next(self):
            return self.left.pop() if self.left else None

    # The bicubic skip, a 5x5 convolution of the picture, stays as it is: no other is that large.
    skip = [node.name for node in onnx.load(file("net.onnx")).graph.node
            if any(a.name == "kernel_shape" and list(a.ints) == [5, 5] for a in node.attribute)]
    logging.disable(logging.WARNING)  # about preparation that the lines above have done
    quantization.quantize_static(file("net.onnx"), file("net-int8.onnx"), Reader(), per_channel=True,
                                 quant_format=quantization.QuantFormat.QDQ, op_types_to_quantize=["Conv"],
                                 nodes_to_exclude=skip)


def onnxruntime_runner(work, frame, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    net = onnxruntime.InferenceSession(os.path.join(work, "net.onnx"), options, providers=["CPUExecutionProvider"])
    return f"ONNX Runtime {onnxruntime.__version__}", lambda: net.run(None, {"picture": frame})[0]


def openvino_runner(work, frame, threads, file, precision):
    import openvino

    core = openvino.Core()
    model = core.read_model(os.path.join(work, file))
    model.reshape(list(frame.shape))
    limited = os.environ.get("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16") in ("SSE41", "AVX2", "AVX512_CORE")
    if precision == "bf16" and (limited or "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")):
        raise RuntimeError("no bf16 with this set of instructions")
    net = core.compile_model(model, "CPU", {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                                            "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"})
    request = net.create_infer_request()

    def run():
        request.infer([frame], share_inputs=True)
        return request.get_output_tensor(0).data

    return f"OpenVINO {openvino.__version__.split('-')[0]}", run


def ncnn_runner(work, frame, threads, winograd):
    import ncnn
    import pnnx

    param = os.path.join(work, "net.ncnn.param")
    if not os.path.exists(param):
        shape = ",".join(str(n) for n in frame.shape)
        subprocess.run([pnnx.EXEC_PATH, "net.onnx", f"inputshape=[{shape}]", "fp16=0"], cwd=work, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_winograd_convolution = winograd
    net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_fp16_packed = False
    net.opt.use_bf16_storage = False
    if net.load_param(param) or net.load_model(os.path.join(work, "net.ncnn.bin")):
        raise RuntimeError("the converted network cannot be loaded")
    given = ncnn.Mat(frame[0])

    def run():
        extractor = net.create_extractor()
        extractor.input(net.input_names()[0], given)
        failed, out = extractor.extract(net.output_names()[0])
        if failed:
            raise RuntimeError("the converted network cannot be run")
        return numpy.array(out)[None]

    return f"ncnn {ncnn.__version__}", run


def make_runner(name, work, frame, threads):
    if name == "onnxruntime":
        return onnxruntime_runner(work, frame, threads)
    if name == "openvino-int8":
        return openvino_runner(work, frame, threads, "net-int8.onnx", "f32")
    if name.startswith("openvino"):
        return openvino_runner(work, frame, threads, "net.onnx", "bf16" if name.endswith("bf16") else "f32")
    return ncnn_runner(work, frame, threads, name == "ncnn")


def worker(name, work, threads):
    """Answers each line, a number of frames, with seconds of wall clock and of the processor a frame."""
    frame = numpy.load(os.path.join(work, "frame.npy"))
    label, run = make_runner(name, work, frame, threads)
    difference = float(numpy.abs(run() - numpy.load(os.path.join(work, "expected.npy"))).max())
    print(json.dumps({"label": label, "difference": difference * 255}), flush=True)
    for line in sys.stdin:
        count = int(line)
        wall, used = time.perf_counter(), time.process_time()
        for _ in range(count):
            run()
        wall, used = time.perf_counter() - wall, time.process_time() - used
        print(json.dumps({"wall": wall / count, "processor": used / count}), flush=True)


class Peer:
    def __init__(self, name, arguments):
        self.name, self.wall, self.processor = name, [], []
        command = [sys.executable, "-B", __file__, "--worker", name, "--work", arguments.work, "--size", arguments.size,
                   "--threads", str(arguments.threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        self.answer = self.read()

    def read(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self.process.wait()
        lines = [line for line in self.process.stderr.read().splitlines() if re.match(r"\w*(Error|Exception)\b", line)]
        return {"error": lines[-1] if lines else f"it ended with {self.process.returncode}"}

    def measure(self, frames):
        if "error" in self.answer:
            return
        self.process.stdin.write(f"{frames}\n")
        self.process.stdin.flush()
        times = self.read()
        if "error" in times:
            self.answer = times
            return
        self.wall.append(times["wall"] * 1e3)
        self.processor.append(times["processor"] * 1e3)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ours:
    """`cdsr bench`, a process a round."""

    def __init__(self, precision, arguments):
        self.name, self.wall, self.processor = f"cdsr-{precision}", [], []
        self.answer = {"label": "CDSR", "difference": None}
        self.json = os.path.join(arguments.work, f"ours-{precision}.json")
        self.command = [arguments.cdsr, "bench", "--model", arguments.model, "--size", arguments.size, "--backend", "cpu",
                        "--threads", str(arguments.threads), "--precision", precision, "--query", "shot", "--no-filter",
                        "--json", self.json]

    def measure(self, frames):
        if "error" in self.answer:
            return
        done = subprocess.run(self.command + ["--frames", str(frames)], capture_output=True, text=True)
        if done.returncode != 0:
            self.answer = {"error": done.stderr.strip().splitlines()[-1]}
            return
        with open(self.json, encoding="utf-8") as file:
            report = json.load(file)
        self.answer["label"] = f"CDSR, {report['detail']}"
        self.wall.append(report["frame_ms"])
        self.processor.append(report["processor_ms"])

    def close(self):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", choices=PEERS)
    for name in ("--cdsr", "--model", "--work", "--size", "--json"):
        parser.add_argument(name)
    for name in ("--threads", "--rounds", "--frames"):
        parser.add_argument(name, type=int, default=1)
    arguments = parser.parse_args()
    if not re.fullmatch(r"[1-9]\d*x[1-9]\d*", arguments.size):
        parser.error(f"--size {arguments.size}: must be WIDTHxHEIGHT")
    size = tuple(int(side) for side in arguments.size.split("x"))
    if arguments.worker:
        worker(arguments.worker, arguments.work, arguments.threads)
        return
    prepare(arguments.work, size)
    entries = [Ours(precision, arguments) for precision in ("fp32", "bf16", "int8")] + [Peer(name, arguments) for name in PEERS]
    for _ in range(arguments.rounds):
        for entry in entries:
            entry.measure(arguments.frames)
    rows = []
    for entry in entries:
        entry.close()
        row = {"name": entry.name, **entry.answer}
        if entry.wall:
            row["wall_ms"] = statistics.median(entry.wall)
            row["processor_ms"] = statistics.median(entry.processor)
            # Rounds are paired: what slows a round down slows down all that run in it.
            row["of_ours"] = statistics.median(p / q for p, q in zip(entry.processor, entries[0].processor))
        rows.append(row)
    print(f"{os.path.basename(arguments.model)}, {arguments.size}, {arguments.threads} thread(s), medians of "
          f"{arguments.rounds} rounds of {arguments.frames} frames")
    print(f"{'':<15}{'ms a frame':>11}{'processor':>11}{'of cdsr-fp32':>13}{'codes off':>11}")
    for row in rows:
        if "error" in row:
            print(f"{row['name']:<15}{row['error']}")
            continue
        off = "" if row["difference"] is None else f"{row['difference']:.3f}"
        print(f"{row['name']:<15}{row['wall_ms']:>11.1f}{row['processor_ms']:>11.1f}{row['of_ours']:>13.2f}{off:>11}"
              f"   {row['label']}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"model": os.path.basename(arguments.model), "size": arguments.size, "threads": arguments.threads,
                       "rounds": arguments.rounds, "frames": arguments.frames, "rows": rows}, file, indent=2)


main()
