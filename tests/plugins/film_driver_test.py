"""`cdsr film`: a film in pieces, interrupted and gone on with, against the filter in one run.

Beside what harness.py reads from the environment: CDSR_PROGRAM, the program `cdsr`.
"""

import glob
import os
import random
import re
import resource
import shlex
import signal
import subprocess
import unittest

from harness import FFMPEG, TINY, PluginTest, ffmpeg, frame_rows, gradient, raw_input, run

PROGRAM = os.environ.get("CDSR_PROGRAM", "build/bin/cdsr")
LOSSLESS = "-c:v ffv1"


class FilmTest(PluginTest):
    """Has a film of five shots, 44 frames, with sound, subtitles, chapters and an attachment."""

    def setUp(self):
        super().setUp()
        raw = b"".join(gradient(64, 48, n, seed=3 * i) for i, n in enumerate((9, 4, 20, 1, 10)))
        text = self.write("sub.srt", b"1\n00:00:00,200 --> 00:00:01,000\nHello\n")
        chapters = self.write("meta.txt", b";FFMETADATA1\ntitle=A film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\n"
                                          b"END=800\ntitle=First\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=800\nEND=1760\n"
                                          b"title=Second\n")
        self.film = self.path("a film's.mkv")
        self.ok(ffmpeg(*raw_input("64x48"), "-f", "lavfi", "-i", "sine=d=1.76", "-i", text, "-i", chapters,
                       "-map", "0", "-map", "1", "-map", "2", "-map_metadata", "3", "-map_chapters", "3",
                       "-c:v", "libx264", "-g", "12", "-bf", "2", "-c:a", "flac", "-c:s", "srt",
                       "-attach", text, "-metadata:s:t", "mimetype=text/plain", self.film, stdin=raw))
        self.out = self.path("out.mkv")

    def cdsr(self, *more, ffmpeg_program=FFMPEG, encode=LOSSLESS, longest=7):
        return run([PROGRAM, "film", self.film, self.out, "--ffmpeg", ffmpeg_program, "--options", TINY,
                    "--encode", encode, "--longest", str(longest), *more])

    def md5(self, *arguments):
        return [row[3] for row in frame_rows(self.ok(ffmpeg(*arguments, "-f", "framemd5", "-")).text)]

    def one_run(self):
        return self.md5("-i", self.film, "-map", "0:v", "-vf", f"cdsr={TINY}")

    def result(self):
        return self.md5("-i", self.out, "-map", "0:v:0")

    def streams(self, name):
        """What ffmpeg says of a file's streams, without the picture's size and the times."""
        text = ffmpeg("-i", name).err
        return re.findall(r"Stream #0:\d+.*?: (Video|Audio|Subtitle|Attachment): (\w+)", text), re.findall(
            r"Chapter #0:\d+: start ([\d.]+)", text), re.findall(r"title +: (.*)", text)


class Film(FilmTest):
    def test_pieces_are_one_run_and_all_else_is_carried(self):
        one = self.one_run()
        self.assertEqual(len(one), 44)
        text = self.ok(self.cdsr("--jobs", "2")).text
        self.assertRegex(text, r"44 frames in \d+ pieces")
        self.assertEqual(self.result(), one)
        before, after = self.streams(self.film), self.streams(self.out)
        self.assertEqual(after[0][1:], before[0][1:])
        self.assertEqual([kind for kind, _ in after[0]], ["Video", "Audio", "Subtitle", "Attachment"])
        self.assertEqual(after[1:], before[1:])
        for kind in ("a", "s"):
            copies = [self.md5("-i", name, "-map", f"0:{kind}", "-c", "copy") for name in (self.out, self.film)]
            self.assertEqual(copies[0], copies[1])
        times = [row[0] for row in frame_rows(self.ok(ffmpeg("-i", self.out, "-map", "0:v:0", "-c", "copy", "-f",
                                                             "framemd5", "-")).text)]
        for i, time in enumerate(times):  # milliseconds
            self.assertLessEqual(abs(time - 40 * i), 1)

    def test_a_model_is_found_from_where_the_command_is_given(self):
        os.symlink(os.path.abspath(os.path.join(os.environ["CDSR_MODEL_PATH"], "tiny-x2.safetensors")),
                   self.path("it's, mine.safetensors"))
        programs = [os.path.abspath(p) if os.path.exists(p) else p for p in (PROGRAM, FFMPEG)]
        self.ok(run([programs[0], "film", self.film, self.out, "--ffmpeg", programs[1], "--options",
                     TINY.replace("tiny", "it's, mine.safetensors"), "--encode", LOSSLESS], cwd=os.path.dirname(self.film)))
        self.assertEqual(self.result(), self.one_run())

    def test_killed_and_gone_on_with(self):
        one = self.one_run()
        dice = random.Random(4)
        killed = 0
        for _ in range(6):
            process = subprocess.Popen([PROGRAM, "film", self.film, self.out, "--ffmpeg", FFMPEG, "--options", TINY,
                                        "--encode", LOSSLESS, "--longest", "7"], stderr=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, start_new_session=True)
            try:
                process.wait(timeout=dice.uniform(0.05, 1.5))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait()
                killed += 1
        self.assertGreater(killed, 0)
        self.ok(self.cdsr())
        self.assertEqual(self.result(), one)

    def test_a_full_disk_is_said_and_gone_on_from(self):
        def full():  # a file that outgrows the limit is refused as on a full disk
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))
        one = self.one_run()
        command = [PROGRAM, "film", self.film, self.out, "--ffmpeg", FFMPEG, "--options", TINY, "--encode", LOSSLESS,
                   "--longest", "7"]
        result = subprocess.run(command, capture_output=True, check=False, preexec_fn=full)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr.decode(), r"(?s)(File too large|is the disk full).*goes on from there")
        self.assertFalse(os.path.exists(self.out))
        self.ok(self.cdsr())
        self.assertEqual(self.result(), one)

    def test_a_damaged_piece_is_made_again(self):
        self.ok(self.cdsr())
        want = self.result()
        for name in sorted(glob.glob(self.out + ".film/piece-*.mkv"))[1:3]:
            with open(name, "r+b") as file:
                file.truncate(os.path.getsize(name) // 2)
        self.ok(self.cdsr())
        self.assertEqual(self.result(), want)

    def test_an_edit_makes_its_piece_anew(self):
        self.ok(self.cdsr("--analyse"))
        self.assertFalse(os.path.exists(self.out))
        self.ok(self.cdsr())
        before = self.result()
        name = self.out + ".film/film.json"
        with open(name, encoding="utf-8") as file:
            text = file.read()
        with open(name, "w", encoding="utf-8") as file:
            file.write(text.replace('{"shot": 1,', '{"shot": 1, "skip": true,'))
        self.ok(self.cdsr())
        after = self.result()
        self.assertEqual([i for i, (a, b) in enumerate(zip(before, after)) if a != b], [9, 10, 11, 12])

    def test_commands_for_another_engine(self):
        one = self.one_run()
        lines = self.ok(self.cdsr("--engine", "sh")).text.splitlines()
        self.assertGreater(len(lines), 4)
        for line in reversed(lines):
            self.ok(run(shlex.split(line)))
        self.ok(self.cdsr("--engine", "sh"))
        self.assertEqual(self.result(), one)

    def test_what_does_not_fit_is_named(self):
        self.fails(run([PROGRAM, "film", self.path("none.mkv"), self.out]), r"none\.mkv")
        self.ok(self.cdsr("--analyse"))
        self.fails(self.cdsr(longest=8), r"begun with longest_piece = 7, now 8")
        self.fails(self.cdsr(ffmpeg_program="/nowhere/ffmpeg"), r"begun with ffmpeg = ")
        job = self.out + ".film/job.json"
        with open(job, encoding="utf-8") as file:
            text = file.read()
        with open(job, "w", encoding="utf-8") as file:
            file.write(re.sub(r'"library": "[^"]*"', '"library": "9.9.9"', text))
        self.fails(run([PROGRAM, "piece", self.out + ".film", "0"]), r"libcdsr is of version .*, 9\.9\.9 when")

    def test_ffmpeg_that_fails_is_quoted(self):
        result = self.cdsr(encode="-c:v nosuchcodec")
        self.fails(result, r"nosuchcodec", r"goes on from there")
        self.assertFalse(os.path.exists(self.out))


if __name__ == "__main__":
    unittest.main()
