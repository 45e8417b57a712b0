"""What samples/compare.sh runs: upscales clips by every method, scores them, writes table, JSON and page."""

import argparse
import base64
import html
import json
import pathlib
import re
import statistics
import subprocess
import sys
import types

import numpy as np

COLUMNS = {  # name of a score: heading, digits, what it is
    "psnr": ("PSNR-Y", 2, "dB"),
    "ssim": ("SSIM-Y", 4, ""),
    "vmaf": ("VMAF", 1, "vmaf_v0.6.1"),
    "neg": ("VMAF-NEG", 1, "vmaf_v0.6.1neg: not fooled by contrast"),
    "lpips": ("ST-LPIPS", 4, "AlexNet; lower is better"),
    "overshoot": ("overshoot %", 2, "luma more than 4 codes beyond the reference's 3x3 range"),
    "flicker": ("flicker", 3, "mean change of luma where the reference stands still, codes"),
}
UNSHARP = "unsharp"


def luma_overshoot(image, reference, codes=4):
    """Percentage of pixels beyond the range of the reference's 3x3 neighbourhood by more than `codes`."""
    padded = np.pad(reference.astype(np.int16), 1, mode="edge")
    height, width = reference.shape
    around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    low, high = np.minimum.reduce(around), np.maximum.reduce(around)
    value = image.astype(np.int16)
    return 100.0 * np.mean((value > high + codes) | (value < low - codes))


def still_flicker(frames, references, codes=1):
    """Mean absolute change from frame to frame where the reference changes by at most `codes`; None: nowhere."""
    total, count = 0.0, 0
    for i in range(1, len(frames)):
        still = np.abs(references[i].astype(np.int16) - references[i - 1]) <= codes
        total += float(np.abs(frames[i].astype(np.int16) - frames[i - 1])[still].sum())
        count += int(still.sum())
    return total / count if count else None


def busiest_place(reference, side):
    """Corner (x, y) of the square with the most detail, on a grid of a quarter of its side."""
    detail = np.zeros(reference.shape)
    wide = reference.astype(np.float32)
    detail[:, 1:] += np.abs(np.diff(wide, axis=1))
    detail[1:, :] += np.abs(np.diff(wide, axis=0))
    total = np.pad(detail.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    best = (-1.0, 0, 0)
    for y in range(0, reference.shape[0] - side + 1, side // 4):
        for x in range(0, reference.shape[1] - side + 1, side // 4):
            inside = total[y + side, x + side] - total[y, x + side] - total[y + side, x] + total[y, x]
            best = max(best, (float(inside), x, y))
    return best[1:]


class StLpips:
    """Shift-tolerant LPIPS on AlexNet (PyPI stlpips-pytorch)."""

    def __init__(self):
        # Imported there for debugging, not used.
        for name, attribute in (("IPython", "embed"), ("torchsummary", "summary")):
            if name not in sys.modules:
                sys.modules[name] = types.ModuleType(name)
                setattr(sys.modules[name], attribute, None)
        import torch
        from stlpips_pytorch import stlpips

        self.torch = torch
        self.metric = stlpips.LPIPS(net="alex", variant="shift_tolerant")

    def tensor(self, rgb):
        return self.torch.from_numpy(rgb.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]

    def __call__(self, image, reference):
        with self.torch.no_grad():
            return float(self.metric(self.tensor(image), self.tensor(reference)).mean())


class Comparison:
    def __init__(self, options):
        self.o = options
        self.work = pathlib.Path(options.work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.lpips = StLpips() if options.lpips else None

    def run(self, program, *arguments):
        command = [program, "-hide_banner", "-nostdin", "-loglevel", "error", *map(str, arguments)]
        done = subprocess.run(command, cwd=self.work, capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"error: {' '.join(command)}\n{done.stderr.decode(errors='replace')[-2000:]}")
        return done.stdout

    def pixels(self, path, width, height, pixel_format):
        data = self.run(self.o.judge, "-i", path, "-f", "rawvideo", "-pix_fmt", pixel_format, "-")
        shape = (-1, height, width) if pixel_format == "gray" else (-1, height, width, 3)
        return np.frombuffer(data, np.uint8).reshape(shape)

    def luma(self, path, width, height):
        """The Y plane as coded: a conversion to gray would stretch it."""
        data = self.run(self.o.judge, "-i", path, "-vf", "format=yuv420p,extractplanes=y", "-f", "rawvideo", "-")
        return np.frombuffer(data, np.uint8).reshape(-1, height, width)

    def prepare(self, clip):
        """The reference: sides that divide by twice the scale, yuv420p, losslessly stored."""
        step = 2 * self.o.scale
        reference = self.work / "reference.mkv"
        seek = ["-ss", self.o.skip] if self.o.skip else []
        self.run(self.o.ffmpeg, *seek, "-i", clip, "-an", "-frames:v", self.o.frames, "-vf",
                 f"crop=trunc(iw/{step})*{step}:trunc(ih/{step})*{step}:0:0,format=yuv420p", "-c:v", "ffv1", "-y",
                 reference)
        shape = subprocess.run([self.o.ffprobe, "-v", "error", "-select_streams", "v", "-show_entries",
                                "stream=width,height", "-of", "csv=p=0", reference], capture_output=True, text=True,
                               check=True).stdout.strip().split(",")
        return reference, int(shape[0]), int(shape[1])

    def filter_of(self, method):
        scale = self.o.scale
        lanczos = f"scale=iw*{scale}:ih*{scale}:flags=lanczos+accurate_rnd"
        if method == UNSHARP:
            return f"{lanczos},unsharp=5:5:0.8:5:5:0"
        if method in ("bicubic", "lanczos"):
            return lanczos.replace("lanczos", method)
        model, _, more = method.partition("@")
        return f"cdsr=scale={scale}:model={model}" + (f":{more}" if more else "")

    def judged(self, upscaled, reference):
        log = self.work / "vmaf.json"
        same = "settb=1/25,setpts=N,format=yuv420p"
        models = r"version=vmaf_v0.6.1|version=vmaf_v0.6.1neg\\:name=neg"
        self.run(self.o.judge, "-i", upscaled, "-i", reference, "-lavfi",
                 f"[0:v]{same}[d];[1:v]{same}[r];[d][r]libvmaf=model={models}:feature=name=psnr|name=float_ssim:"
                 f"log_fmt=json:log_path={log.name}:n_threads=2", "-f", "null", "-")
        pooled = json.loads(log.read_text())["pooled_metrics"]
        return {"psnr": pooled["psnr_y"]["mean"], "ssim": pooled["float_ssim"]["mean"],
                "vmaf": pooled["vmaf"]["mean"], "neg": pooled["neg"]["mean"]}

    def score(self, upscaled, reference, width, height):
        scores = self.judged(upscaled, reference)
        frames, truth = self.luma(upscaled, width, height), self.luma(reference, width, height)
        if len(frames) != len(truth):
            sys.exit(f"error: {upscaled.name} has {len(frames)} frames, the reference {len(truth)}")
        scores["overshoot"] = statistics.mean(map(luma_overshoot, frames, truth))
        scores["flicker"] = still_flicker(frames, truth)
        if self.lpips:
            rgb, truth = (self.pixels(p, width, height, "rgb24") for p in (upscaled, reference))
            every = max(1, len(rgb) // self.o.lpips)
            scores["lpips"] = statistics.mean(map(self.lpips, rgb[::every], truth[::every]))
        return scores

    def crop(self, path, frame, place, side):
        x, y = place
        png = self.run(self.o.judge, "-i", path, "-vf", f"select=eq(n\\,{frame}),crop={side}:{side}:{x}:{y}",
                       "-frames:v", 1, "-c:v", "png", "-f", "image2pipe", "-")
        return "data:image/png;base64," + base64.b64encode(png).decode()

    def compare(self, clip):
        """Rows of one clip, one for each quality and method."""
        name = pathlib.Path(clip).stem
        reference, width, height = self.prepare(clip)
        truth = self.luma(reference, width, height)
        shown, side = len(truth) // 2, min(224, height, width)
        place = busiest_place(truth[shown], side)
        for crf in self.o.crf:
            small = self.work / "small.mkv"
            self.run(self.o.ffmpeg, "-i", reference, "-vf",
                     f"scale=iw/{self.o.scale}:ih/{self.o.scale}:flags=area+accurate_rnd", "-c:v", "libx264",
                     "-preset", "medium", "-crf", crf, "-y", small)
            picture = self.crop(reference, shown, place, side)
            yield {"clip": name, "crf": crf, "method": "original", "scores": {}, "picture": picture}
            for method in self.o.methods:
                upscaled = self.work / "upscaled.mkv"
                self.run(self.o.ffmpeg, "-i", small, "-vf", self.filter_of(method), "-c:v", "ffv1", "-y", upscaled)
                yield {"clip": name, "crf": crf, "method": method,
                       "scores": self.score(upscaled, reference, width, height),
                       "picture": self.crop(upscaled, shown, place, side)}


def cell(scores, key):
    value = scores.get(key)
    return "" if value is None else f"{value:.{COLUMNS[key][1]}f}"


def label(method):
    model, _, more = method.partition("@")
    return re.sub(r"\.safetensors$", "", pathlib.Path(model).name) + (f" {more}" if more else "")


def table(rows, keys):
    """Markdown: means over the clips for each quality and method."""
    lines = ["| crf | method | " + " | ".join(COLUMNS[k][0] for k in keys) + " |",
             "|---|---|" + "---|" * len(keys)]
    groups = {}
    for row in rows:
        if row["scores"]:
            groups.setdefault((row["crf"], row["method"]), []).append(row["scores"])
    for (crf, method), scores in groups.items():
        means = {}
        for key in keys:
            values = [s[key] for s in scores if s.get(key) is not None]
            means[key] = statistics.mean(values) if values else None
        lines.append(f"| {crf} | {label(method)} | " + " | ".join(cell(means, k) for k in keys) + " |")
    return "\n".join(lines)


STYLE = """body{font:15px system-ui,sans-serif;margin:2em;background:#181818;color:#eee}table{border-collapse:collapse}
td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #444}td:nth-child(-n+2){text-align:left}
figure{display:inline-block;margin:0 .6em 1em 0}figcaption{color:#bbb;padding-top:.3em}
img{width:336px;height:336px;image-rendering:pixelated}"""


def page(rows, keys, title):
    def cells(line, tag):
        return "<tr>" + "".join(f"<{tag}>{html.escape(c.strip())}</{tag}>" for c in line.strip("|").split("|")) + "</tr>"

    lines = table(rows, keys).splitlines()
    parts = [f"<!doctype html><meta charset=utf-8><title>{html.escape(title)}</title><style>{STYLE}</style>",
             f"<h1>{html.escape(title)}</h1><h2>Means over the clips</h2><table>", cells(lines[0], "th"),
             *(cells(line, "td") for line in lines[2:]), "</table>"]
    for clip, crf in dict.fromkeys((r["clip"], r["crf"]) for r in rows):
        parts.append(f"<h2>{html.escape(clip)}, crf {crf}</h2>")
        for row in rows:
            if (row["clip"], row["crf"]) != (clip, crf):
                continue
            text = label(row["method"])
            if row["scores"]:
                text += f": {cell(row['scores'], 'psnr')} dB, NEG {cell(row['scores'], 'neg')}"
            parts.append(f"<figure><img src='{row['picture']}' alt=''><figcaption>{html.escape(text)}</figcaption></figure>")
    return "\n".join(parts)


def main():
    p = argparse.ArgumentParser()
    for name in ("ffmpeg", "ffprobe", "judge", "work", "out"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--scale", type=int, default=2)
    p.add_argument("--crf", type=lambda t: [int(v) for v in re.split("[ ,]+", t.strip())], default=[18, 23, 28, 33])
    p.add_argument("--frames", type=int, default=24)
    p.add_argument("--skip", type=float, default=0)
    p.add_argument("--models", type=str.split, default=["cdsr-rt"])
    p.add_argument("--lpips", type=int, default=0)
    p.add_argument("clips", nargs="+")
    o = p.parse_args()
    o.clips = [str(pathlib.Path(c).resolve()) for c in o.clips]
    o.methods = ["bicubic", "lanczos", UNSHARP, *o.models]
    keys = [k for k in COLUMNS if k != "lpips" or o.lpips]
    comparison = Comparison(o)
    rows = []
    total = len(o.clips) * len(o.crf) * len(o.methods)
    for clip in o.clips:
        for row in comparison.compare(clip):
            rows.append(row)
            if row["scores"]:
                number = sum(1 for r in rows if r["scores"])
                print(f"{number} of {total}: {row['clip']}, crf {row['crf']}, {label(row['method'])}: "
                      + ", ".join(f"{COLUMNS[k][0]} {cell(row['scores'], k)}" for k in keys), file=sys.stderr)
    title = f"x{o.scale} of " + ", ".join(pathlib.Path(c).stem for c in o.clips)
    out = pathlib.Path(o.out)
    out.with_suffix(".html").write_text(page(rows, keys, title))
    plain = [{k: v for k, v in r.items() if k != "picture"} for r in rows if r["scores"]]
    out.with_suffix(".json").write_text(json.dumps({"scale": o.scale, "frames": o.frames, "rows": plain}, indent=1))
    print(table(rows, keys))
    print(f"page: {out.with_suffix('.html')}; figures: {out.with_suffix('.json')}", file=sys.stderr)


if __name__ == "__main__":
    main()
