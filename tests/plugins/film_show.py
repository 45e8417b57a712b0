"""The hard show of `cdsr film`: a long film of cuts, dissolves, fades and flashes, made here, or yours; one run, two passes, one
process, two processes killed 20 times at random and gone on with, GNU parallel and Slurm where they are installed: the
same frames, sound and times each time. Run by hand, not by CTest.

  CDSR_FFMPEG=build/ffmpeg/bin/ffmpeg CDSR_PROGRAM=build/bin/cdsr python3 tests/plugins/film_show.py [--frames 10000]
    [--size 96x64] [--options model=cdsr-rt] [--seed 1] [--longest 500] [--kills 20] [--film FILE]

Needs NumPy. Prints a table; exit status 1 when a frame differs or something is lost.
"""

import argparse
import hashlib
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

import slurm_cluster

FFMPEG = os.environ.get("CDSR_FFMPEG", "build/ffmpeg/bin/ffmpeg")
PROGRAM = os.environ.get("CDSR_PROGRAM", "build/bin/cdsr")
MOST_APART = 1  # milliseconds between the same frame's times in two files: mkv's precision


def scene(number, t, width, height):
    """Luma of a scene that moves, 0..255."""
    y, x = np.mgrid[0:height, 0:width]
    dice = np.random.default_rng(number)
    picture = np.full((height, width), 110.0)
    for _ in range(5):
        fx, fy, phase, speed = dice.uniform(-0.5, 0.5, 2).tolist() + dice.uniform(-3, 3, 2).tolist()
        picture += 22 * np.sin(fx * x + fy * y + phase + 0.05 * speed * t)
    blocks = np.kron(dice.integers(-25, 25, (height // 8 + 1, width // 8 + 1)), np.ones((8, 8)))
    return picture + blocks[:height, :width]


def film(count, width, height, dice):
    """Frames of luma; shots of 30 to 120 frames, and how each ends."""
    number, made = 0, 0
    while made < count:
        length = dice.randint(30, 120)
        ending = dice.choice(("cut", "cut", "dissolve", "fade", "flash"))
        for t in range(length):
            picture = scene(number, t, width, height)
            left = length - 1 - t
            if ending == "dissolve" and left < 12:
                picture = picture * left / 12 + scene(number + 1, t - length, width, height) * (1 - left / 12)
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


def rows(name, *which):
    """(pts, check sum) of every frame or packet."""
    text = ffmpeg("-i", name, *which, "-f", "framemd5", "-", capture_output=True).stdout.decode()
    lines = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return [(int(line[2]), line[-1].strip()) for line in lines]


class Result:
    """What a file holds: decoded frames, when they are shown, the sound's packets and their times."""

    def __init__(self, name):
        self.frames = [md5 for _, md5 in rows(name, "-map", "0:v:0")]
        self.times = [pts for pts, _ in rows(name, "-map", "0:v:0", "-c", "copy")]
        self.sound = rows(name, "-map", "0:a", "-c", "copy")

    def difference(self, want):
        """In words; "" when there is none."""
        if self.frames != want.frames:
            wrong = sum(a != b for a, b in zip(self.frames, want.frames))
            return f"{len(self.frames)} frames, {wrong} of them DIFFER"
        if self.sound != want.sound:
            return "SOUND DIFFERS"
        apart = max(abs(a - b) for a, b in zip(self.times, want.times))
        return "" if apart <= MOST_APART else f"frames are {apart} ms OFF"


class Clock:
    """Seconds since it was made: on the wall, and of the processor in processes that were waited for."""

    def __init__(self):
        self.begun = self.now()

    @staticmethod
    def now():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return np.array([time.monotonic(), used.ru_utime + used.ru_stime])

    def seconds(self):
        return self.now() - self.begun


class Show:
    def __init__(self, arguments, folder):
        self.a = arguments
        self.folder = folder
        self.dice = random.Random(arguments.seed)
        self.source = os.path.abspath(arguments.film) if arguments.film else self.path("in.mkv")
        self.want = None
        self.failed = False

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_source(self):
        width, height = (int(side) for side in self.a.size.split("x"))
        process = subprocess.Popen([FFMPEG, "-hide_banner", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray", "-s",
                                    self.a.size, "-r", "25", "-i", "-", "-f", "lavfi", "-i", f"sine=d={self.a.frames / 25}",
                                    "-map", "0", "-map", "1", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset",
                                    "veryfast", "-crf", "23", "-c:a", "flac", self.source], stdin=subprocess.PIPE)
        for picture in film(self.a.frames, width, height, self.dice):
            process.stdin.write(picture.tobytes())
        process.stdin.close()
        if process.wait() != 0:
            sys.exit("the film cannot be made")

    def one_run(self, out, options=""):
        ffmpeg("-i", self.source, "-map", "0", "-c:a", "copy", "-vf", f"cdsr={self.a.options}{options}", "-c:v", "ffv1", out)

    def two_passes(self, out):
        stats = f":stats={self.path('film.json')}"
        ffmpeg("-i", self.source, "-map", "0:v", "-vf", f"cdsr={self.a.options}:pass=1{stats}", "-f", "null", "-")
        self.one_run(out, f":pass=2{stats}")

    def command(self, out, *more):
        return [PROGRAM, "film", self.source, out, "--ffmpeg", FFMPEG, "--options", self.a.options, "--encode", "-c:v ffv1",
                "--longest", str(self.a.longest), *more]

    def driver(self, out, *more):
        subprocess.run(self.command(out, *more), check=True, capture_output=True)

    def killed(self, out, seconds):
        """By two processes at a time; all are killed at random, KILLS times. seconds: what the film takes."""
        kills = 0
        while kills < self.a.kills:
            process = subprocess.Popen(self.command(out, "--jobs", "2"), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
            try:
                process.wait(timeout=self.dice.uniform(0.05, 2 * seconds / self.a.kills))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                kills += 1
                continue
            if process.returncode != 0:
                sys.exit("`cdsr film` fails where it was killed before")
            # Through before it could be killed: begin again with half of the pieces gone.
            for name in os.listdir(out + ".film"):
                if name.endswith(".done") and self.dice.random() < 0.5:
                    os.remove(os.path.join(out + ".film", name))
        self.driver(out, "--jobs", "2")

    def row(self, name, make):
        """One line of the table; returns the seconds."""
        out = self.path(f"{name.replace(' ', '-')}.mkv")
        clock = Clock()
        make(out)
        seconds = clock.seconds()
        result = Result(out)
        self.want = self.want or result
        difference = result.difference(self.want)
        self.failed = self.failed or difference != ""
        print(f"{name:28} {len(result.frames):6} frames {difference or 'equal':8} {seconds[0]:7.1f} s {seconds[1]:7.1f} CPU s",
              flush=True)
        os.remove(out)
        return seconds

    def run(self):
        if self.a.film:
            print(f"{os.path.basename(self.a.film)}, {self.a.options}", flush=True)
        else:
            self.make_source()
            print(f"{self.a.frames} frames of {self.a.size}, {self.a.options}", flush=True)
        self.row("one run", self.one_run)
        two = self.row("two passes", self.two_passes)
        one = self.row("film --jobs 1", self.driver)
        pieces = len([n for n in os.listdir(self.path("film---jobs-1.mkv.film")) if n.endswith(".done")])
        self.row(f"film --jobs 2, {self.a.kills} kills", lambda out: self.killed(out, one[0]))
        if shutil.which("parallel"):
            self.row("film --engine parallel", lambda out: self.driver(out, "--jobs", "2", "--engine", "parallel"))
        if slurm_cluster.installed():
            os.mkdir(self.path("slurm"))
            os.chmod(self.folder, 0o755)
            cluster = slurm_cluster.Cluster(self.path("slurm"))
            try:
                self.row("film --engine slurm", lambda out: self.driver(out, "--jobs", "2", "--engine", "slurm"))
            finally:
                cluster.stop()
        extra = one[1] - two[1]
        print(f"driver: {100 * extra / two[1]:.1f} % more processor time than two passes by hand, {extra / pieces:.2f} s for "
              f"each of {pieces} pieces")
        print("hash of all upscaled frames", hashlib.md5("\n".join(self.want.frames).encode()).hexdigest())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10000)
    parser.add_argument("--size", default="96x64")
    parser.add_argument("--options", default="model=cdsr-rt:precision=fp32:threads=1", help="of the filter")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=int, default=500, help="frames of a piece")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--film", help="a file with video and sound, in place of the one made here")
    with tempfile.TemporaryDirectory(prefix="cdsr-film-show-") as folder:
        show = Show(parser.parse_args(), folder)
        show.run()
    sys.exit(1 if show.failed else 0)


if __name__ == "__main__":
    main()
