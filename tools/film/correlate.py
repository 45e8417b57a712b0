"""How well `cdsr check`, which has no reference, ranks what a reference would: Spearman's correlation of its PSNR with the true
one, and which damages it finds. Clips are made small by 2, coded, and upscaled by models and interpolation; damaged afterwards.

  python3 tools/film/correlate.py WORK CLIP[@SECOND]... [--frames 12] [--crf 18,28]

CDSR_FFMPEG (build/ffmpeg/bin/ffmpeg) and CDSR_PROGRAM (build/bin/cdsr) say where the programs are. Needs NumPy. Prints
Markdown; every figure is in WORK/figures.json.
"""

import argparse
import json
import os
import pathlib
import subprocess

import numpy as np

FFMPEG = os.environ.get("CDSR_FFMPEG", "build/ffmpeg/bin/ffmpeg")
PROGRAM = os.environ.get("CDSR_PROGRAM", "build/bin/cdsr")
METHODS = {  # the filters that enlarge
    "cdsr-rt": "cdsr",
    "cdsr-rt, strength 0.5": "cdsr=strength=0.5",
    "bicubic": "cdsr=strength=0",
    "cdsr-rt-blur": "cdsr=model=cdsr-rt-blur",
    "cdsr-rt-noise": "cdsr=model=cdsr-rt-noise",
    "cdsr-rt-video": "cdsr=model=cdsr-rt-video",
    "lanczos": "scale=2*iw:2*ih:flags=lanczos",
    "lanczos + unsharp": "scale=2*iw:2*ih:flags=lanczos,unsharp=5:5:0.8",
    "bilinear": "scale=2*iw:2*ih:flags=bilinear",
}
DAMAGES = {  # of what cdsr-rt makes
    "moved by a pixel": "cdsr,geq=lum='lum(max(X-1,0),Y)':cb='cb(X,Y)':cr='cr(X,Y)'",
    "wrong matrix": "cdsr,scale=in_color_matrix=bt601:out_color_matrix=bt709,setparams=colorspace=smpte170m",
    "every second frame frozen": "cdsr,shuffleframes=0 0",
    "too sharp": "cdsr,unsharp=5:5:2.5",
    "blurred": "cdsr,gblur=sigma=1.5",
    "flicker": "cdsr,geq=lum='lum(X,Y)+if(mod(N,2),2,-2)':cb='cb(X,Y)':cr='cr(X,Y)'",
    "noise": "cdsr,noise=alls=20:allf=t",
}


def ffmpeg(*arguments):
    return subprocess.run([FFMPEG, "-hide_banner", "-nostdin", "-v", "error", "-y", *arguments], check=True,
                          capture_output=True).stdout


def luma(name, width, height):
    raw = ffmpeg("-i", name, "-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
    frames = np.frombuffer(raw, np.uint8).reshape(-1, width * height * 3 // 2)
    return frames[:, :width * height].reshape(-1, height, width).astype(np.float64)


def ranks(values):
    """Mean ranks of equal values."""
    values = np.asarray(values)
    return np.array([(values < v).sum() + ((values == v).sum() + 1) / 2 for v in values])


def spearman(a, b):
    return float(np.corrcoef(ranks(a), ranks(b))[0, 1])


def measure(work, clip, crfs, frames):
    name, _, second = clip.partition("@")
    stem = pathlib.Path(name).stem
    original, rows = work / f"{stem}.mkv", []
    ffmpeg("-ss", second or "0", "-i", name, "-frames:v", str(frames), "-vf", "crop=4*floor(iw/4):4*floor(ih/4),"
           "format=yuv420p", "-an", "-c:v", "ffv1", str(original))
    size = video_size(original)
    for crf in crfs:
        small, out = work / f"{stem}-{crf}.mkv", work / "out.mkv"
        ffmpeg("-i", str(original), "-vf", "scale=iw/2:ih/2:flags=bicubic", "-c:v", "libx264", "-crf", str(crf), str(small))
        for kind, methods in (("method", METHODS), ("damage", DAMAGES)):
            for method, graph in methods.items():
                ffmpeg("-i", str(small), "-vf", graph + ",format=yuv420p", "-fps_mode", "passthrough", "-c:v", "ffv1", str(out))
                subprocess.run([PROGRAM, "check", str(small), str(out), "--every", "4", "--json", str(work / "check.json")],
                               check=False, capture_output=True)
                check = json.loads((work / "check.json").read_text())
                error = luma(str(original), *size) - luma(str(out), *size)
                truth = float(np.mean(10 * np.log10(255**2 / np.mean(error**2, axis=(1, 2)))))
                shots = check["shots"]
                mean = {key: float(np.average([s[key] for s in shots], weights=[s["frames"] for s in shots]))
                        for key in ("psnr", "ssim", "colour", "temporal", "flicker", "overshoot", "clipped", "interpolated")}
                rows.append({"clip": stem, "crf": crf, "kind": kind, "method": method, "true": truth, **mean,
                             "findings": [f for s in shots for f in s["findings"]]})
    return rows


def video_size(name):
    header = ffmpeg("-i", str(name), "-frames:v", "1", "-f", "yuv4mpegpipe", "-").split(b"\n", 1)[0].split()
    return int(header[1][1:]), int(header[2][1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--crf", default="18,28")
    arguments = parser.parse_args()
    if arguments.frames % 2 != 0:
        parser.error("--frames must be even")
    arguments.work.mkdir(parents=True, exist_ok=True)
    rows = []
    for clip in arguments.clips:
        rows += measure(arguments.work, clip, [int(v) for v in arguments.crf.split(",")], arguments.frames)
    (arguments.work / "figures.json").write_text(json.dumps(rows, indent=1))

    groups = {}
    for row in rows:
        groups.setdefault((row["clip"], row["crf"]), []).append(row)
    print("| figure of `cdsr check` | all | within a clip and crf | without damages |\n|---|---|---|---|")
    for key in ("psnr", "ssim"):
        within = np.mean([spearman([r[key] for r in g], [r["true"] for r in g]) for g in groups.values()])
        whole = np.mean([spearman([r[key] for r in g if r["kind"] == "method"],
                                  [r["true"] for r in g if r["kind"] == "method"]) for g in groups.values()])
        print(f"| {key} | {spearman([r[key] for r in rows], [r['true'] for r in rows]):.2f} | {within:.2f} | {whole:.2f} |")
    print("\n| | fail | of | true PSNR | PSNR | colour | temporal | flicker | overshoot | clipped |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for method in [*METHODS, *DAMAGES]:
        some = [r for r in rows if r["method"] == method]
        mean = lambda key: np.mean([r[key] for r in some])
        print(f"| {method} | {sum(bool(r['findings']) for r in some)} | {len(some)} | {mean('true'):.2f} | {mean('psnr'):.2f} | "
              f"{mean('colour'):.2f} | {mean('temporal'):.2f} | {mean('flicker'):.2f} | {mean('overshoot'):.2f} | "
              f"{mean('clipped'):.2f} |")


if __name__ == "__main__":
    main()
