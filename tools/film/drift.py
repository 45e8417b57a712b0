"""How soon the option `drift` finds that degradation has changed inside a shot, and how often it is wrong.

  python3 tools/film/drift.py CLIP... [--every 6] [--at 1,9,17] [--frames 96]

At each second of --at a stretch of --frames frames is made small by 2 and coded with crf 18; its second half is replaced by
the same frames with crf 26 and 35, and with noise. What is found in the first half, or in a stretch without a step, is false,
and so is what is found in the whole clips as they are. CDSR_FFMPEG (any FFmpeg with libx264) and CDSR_EMBED (build/bin/cdsr-embed)
say where the programs are. Prints Markdown.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

FFMPEG = os.environ.get("CDSR_FFMPEG", "build/ffmpeg/bin/ffmpeg")
EMBED = os.environ.get("CDSR_EMBED", "build/bin/cdsr-embed")
STEPS = {"none": ("", 18), "crf 26": ("", 26), "crf 35": ("", 35), "noise": (",noise=alls=10:allf=t", 18)}


def ffmpeg(*arguments):
    return subprocess.run([FFMPEG, "-hide_banner", "-nostdin", "-v", "error", "-y", *arguments], check=True,
                          capture_output=True).stdout


def decoded(name):
    """Raw yuv420p, and the size."""
    header = ffmpeg("-i", name, "-frames:v", "1", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-").split(b"\n", 1)[0].split()
    raw = ffmpeg("-i", name, "-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
    return raw, int(header[1][1:]), int(header[2][1:])


def looks(raw, width, height, every, work):
    """Frames in which a shot was looked at again, and the number of frames."""
    stats = work / "film.json"
    stats.unlink(missing_ok=True)
    subprocess.run([EMBED, f"{width}x{height}", "pass=1", f"stats={stats}", f"drift={every}", "fade=0"], input=raw,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    film = json.loads(stats.read_text())
    return [look["frame"] for shot in film["shots"] for look in shot["looks"][1:]], film["frames"]


def changes(raw, width, height, every, work):
    """Frames in which a change was found, not a picture that comes in from black; and the number of frames."""
    frames, count = looks(raw, width, height, every, work)
    return sorted(set(frames) - set(looks(raw, width, height, 0, work)[0])), count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", nargs="+")
    parser.add_argument("--every", type=int, default=6)
    parser.add_argument("--at", default="1,9,17")
    parser.add_argument("--frames", type=int, default=96)
    arguments = parser.parse_args()
    half = arguments.frames // 2
    found = {step: [] for step in STEPS}  # delays, None where nothing was found
    false, frames = [], 0
    with tempfile.TemporaryDirectory(prefix="cdsr-drift-") as folder:
        work = pathlib.Path(folder)
        for clip in arguments.clips:
            for second in arguments.at.split(","):
                stretches = {}
                for step, (noise, crf) in STEPS.items():
                    coded = str(work / "coded.mkv")
                    ffmpeg("-ss", second, "-i", clip, "-frames:v", str(arguments.frames), "-vf",
                           f"scale=2*trunc(iw/4):2*trunc(ih/4):flags=bicubic{noise}", "-pix_fmt", "yuv420p", "-c:v", "libx264",
                           "-preset", "fast", "-crf", str(crf), coded)
                    stretches[step], width, height = decoded(coded)
                cut = half * width * height * 3 // 2
                for step, raw in stretches.items():
                    where, _ = changes(stretches["none"][:cut] + raw[cut:], width, height, arguments.every, work)
                    found[step].append(next((frame - half for frame in where if frame >= half), None))
                    print(f"{pathlib.Path(clip).stem} at {second} s, {step} from frame {half}: {where}", file=sys.stderr)
            where, count = changes(*decoded(clip), arguments.every, work)
            false += [(pathlib.Path(clip).stem, frame) for frame in where]
            frames += count
            print(f"{pathlib.Path(clip).stem}, {count} frames: {where}", file=sys.stderr)
    print("| from crf 18 to | found | of | frames until then, mean | most |\n|---|---|---|---|---|")
    for step, delays in found.items():
        known = [d for d in delays if d is not None]
        print(f"| {step} | {len(known)} | {len(delays)} | {sum(known) / max(len(known), 1):.0f} | {max(known, default=0)} |")
    print(f"\nWhole clips: {len(false)} in {frames} frames: {false}")


if __name__ == "__main__":
    main()
