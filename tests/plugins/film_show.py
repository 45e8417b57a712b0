"""The hard show of `cdsr film`: 10,000 frames of cuts, dissolves, fades and flashes, made here; one run, two passes, two
processes at a time killed 20 times at random and gone on with, and Slurm where it is installed: the same frames each time.
Run by hand, not by CTest: a few minutes.

  CDSR_FFMPEG=build/ffmpeg/bin/ffmpeg CDSR_PROGRAM=build/bin/cdsr python3 tests/plugins/film_show.py [FRAMES [SEED]]

Needs NumPy. Prints a table; exit status 1 when a frame differs or something is lost.
"""

import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time

import numpy as np

FFMPEG = os.environ.get("CDSR_FFMPEG", "build/ffmpeg/bin/ffmpeg")
PROGRAM = os.environ.get("CDSR_PROGRAM", "build/bin/cdsr")
WIDTH, HEIGHT = 96, 64
KILLS = 20
OPTIONS = "model=cdsr-rt:precision=fp32:threads=1"
LONGEST = "500"


def scene(number, t):
    """Luma of a scene that moves, 0..255."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    dice = np.random.default_rng(number)
    picture = np.full((HEIGHT, WIDTH), 110.0)
    for _ in range(5):
        fx, fy, phase, speed = dice.uniform(-0.5, 0.5, 2).tolist() + dice.uniform(-3, 3, 2).tolist()
        picture += 22 * np.sin(fx * x + fy * y + phase + 0.05 * speed * t)
    blocks = dice.integers(-25, 25, (HEIGHT // 8, WIDTH // 8))
    return picture + np.kron(blocks, np.ones((8, 8)))


def film(count, dice):
    """Frames of luma; shots of 30 to 120 frames, and how each ends."""
    number, made = 0, 0
    while made < count:
        length = dice.randint(30, 120)
        ending = dice.choice(("cut", "cut", "dissolve", "fade", "flash"))
        for t in range(length):
            picture = scene(number, t)
            left = length - 1 - t
            if ending == "dissolve" and left < 12:
                picture = picture * left / 12 + scene(number + 1, t - length) * (1 - left / 12)
            if ending == "fade" and left < 12:
                picture = 16 + (picture - 16) * left / 12
            if ending == "flash" and t == length // 2:
                picture = np.full_like(picture, 235)
            yield np.clip(picture, 16, 235).astype(np.uint8)
            made += 1
            if made == count:
                return
        number += 1


def ffmpeg(*arguments, **more):
    return subprocess.run([FFMPEG, "-hide_banner", "-nostdin", "-v", "error", "-y", *arguments], check=True, **more)


def frames_of(name, *arguments):
    """Check sums of the decoded frames, and of the sound's packets."""
    def md5(*which):
        text = ffmpeg("-i", name, *which, "-f", "framemd5", "-", capture_output=True).stdout.decode()
        return [line.split(",")[-1].strip() for line in text.splitlines() if not line.startswith("#")]
    return md5("-map", "0:v:0", *arguments), md5("-map", "0:a", "-c", "copy")


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    failed = False
    with tempfile.TemporaryDirectory(prefix="cdsr-film-show-") as folder:
        path = lambda name: os.path.join(folder, name)
        source = path("in.mkv")
        process = subprocess.Popen([FFMPEG, "-hide_banner", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s",
                                    f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-", "-f", "lavfi", "-i",
                                    f"sine=d={count / 25}", "-map", "0", "-map", "1", "-pix_fmt", "yuv420p", "-c:v",
                                    "libx264", "-preset", "veryfast", "-crf", "23", "-c:a", "flac", source],
                                   stdin=subprocess.PIPE)
        for picture in film(count, dice):
            process.stdin.write(picture.tobytes())
        process.stdin.close()
        if process.wait() != 0:
            sys.exit("the film cannot be made")

        def film_command(out, *more):
            return [PROGRAM, "film", source, out, "--ffmpeg", FFMPEG, "--options", OPTIONS, "--encode", "-c:v ffv1",
                    "--longest", LONGEST, *more]

        begun = time.monotonic()
        ffmpeg("-i", source, "-map", "0", "-c:a", "copy", "-vf", f"cdsr={OPTIONS}", "-c:v", "ffv1", path("one.mkv"))
        seconds = {"one run": time.monotonic() - begun}
        want = frames_of(path("one.mkv"))
        rows = [("one run", len(want[0]), "", seconds["one run"])]

        def compare(name, out, took, note=""):
            nonlocal failed
            got = frames_of(out)
            same = got == want
            failed = failed or not same
            rows.append((name, len(got[0]), "equal" if same else "DIFFERS", took, note))

        begun = time.monotonic()
        ffmpeg("-i", source, "-map", "0:v", "-vf", f"cdsr={OPTIONS}:pass=1:stats={path('film.json')}", "-f", "null", "-")
        ffmpeg("-i", source, "-map", "0", "-c:a", "copy", "-vf", f"cdsr={OPTIONS}:pass=2:stats={path('film.json')}",
               "-c:v", "ffv1", path("two.mkv"))
        compare("two passes", path("two.mkv"), time.monotonic() - begun)

        begun = time.monotonic()
        subprocess.run(film_command(path("jobs1.mkv")), check=True, capture_output=True)
        compare("film --jobs 1", path("jobs1.mkv"), time.monotonic() - begun)

        begun = time.monotonic()
        killed = 0
        out = path("killed.mkv")
        longest = 2 * rows[-1][3] / KILLS
        while killed < KILLS:
            process = subprocess.Popen(film_command(out, "--jobs", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       start_new_session=True)
            try:
                process.wait(timeout=dice.uniform(0.05, longest))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                killed += 1
                continue
            # Through before it could be killed: begin again with half of the pieces gone.
            for name in os.listdir(out + ".film"):
                if name.endswith(".done") and dice.random() < 0.5:
                    os.remove(os.path.join(out + ".film", name))
        subprocess.run(film_command(out, "--jobs", "2"), check=True, capture_output=True)
        compare("film --jobs 2, killed", out, time.monotonic() - begun, f"{killed} times")

        if os.environ.get("SLURM_CONF"):
            begun = time.monotonic()
            subprocess.run(film_command(path("slurm.mkv"), "--jobs", "2", "--engine", "slurm"), check=True, capture_output=True)
            compare("film --engine slurm", path("slurm.mkv"), time.monotonic() - begun)

        digest = hashlib.md5("\n".join(want[0]).encode()).hexdigest()
        print(f"{count} frames of {WIDTH}x{HEIGHT}, hash of all upscaled frames {digest}")
        for name, frames, same, took, *note in rows:
            print(f"{name:24} {frames:6} frames {same:8} {took:7.1f} s {' '.join(note)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
