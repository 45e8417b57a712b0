"""The recipes of README.md and filter/README.md, run as they are written there; and what the built FFmpeg can read and write."""

import json
import os
import re
import shlex
import unittest

from harness import FFMPEG, PluginTest, ffmpeg, frame_rows, gradient, raw_input, run

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PROBE = os.path.join(os.path.dirname(os.path.abspath(FFMPEG)), "ffprobe")
CHAPTERS = b""";FFMETADATA1
title=A film
[CHAPTER]
TIMEBASE=1/1000
START=0
END=200
title=one
[CHAPTER]
TIMEBASE=1/1000
START=200
END=400
title=two
"""


def recipes():
    """(comment, command) of every line of the READMEs that reads a file with ffmpeg."""
    for name in ("README.md", "filter/README.md"):
        with open(os.path.join(ROOT, name), encoding="utf-8") as file:
            for line in file:
                match = re.match(r"(ffmpeg -i in\.\S+ .*?)(?: +# (.*))?$", line)
                if match:
                    yield match[2] or "", match[1]


class Recipes(PluginTest):
    def recipe(self, comment):
        """The one command with this comment, wherever it stands."""
        found = {command for text, command in recipes() if text == comment}
        self.assertEqual(len(found), 1, f"{comment}: {found}")
        return found.pop()

    def run_recipe(self, command):
        words = shlex.split(command)
        return self.ok(run([os.path.abspath(FFMPEG), "-v", "error", "-y", *words[1:]], cwd=self.folder))

    def probe(self, name, *what):
        words = [PROBE, "-v", "error", "-of", "json", *what, self.path(name)]
        return json.loads(self.ok(run(words)).text)

    def streams(self, name):
        return self.probe(name, "-show_streams", "-count_packets")["streams"]

    def make_input(self, ending):
        """Video, sound, subtitles, chapters, a title; a cover and an attachment or a time code where there can be one."""
        self.write("subtitles.srt", b"1\n00:00:00,100 --> 00:00:00,300\nhello\n\n")
        self.write("chapters.txt", CHAPTERS)
        self.ok(ffmpeg("-y", *raw_input("48x32"), "-frames:v", "1", self.path("cover.png"), stdin=gradient(48, 32, 1)))
        self.ok(ffmpeg("-y", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=0.4", "-f", "lavfi", "-i", "sine=d=0.4", "-c:v",
                       "libx264", "-c:a", "aac", self.path("base.mov")))
        extra = {
            "mp4": ["-i", self.path("cover.png"), "-map", "3", "-c:s", "mov_text", "-disposition:v:1", "attached_pic"],
            "mov": ["-c:s", "mov_text", "-timecode", "01:02:03:04"],
            "mkv": ["-c:s", "ass", "-attach", self.path("cover.png"), "-attach", self.path("subtitles.srt"),
                    "-metadata:s:t:0", "mimetype=image/png", "-metadata:s:t:1", "mimetype=text/plain"],
        }[ending]
        inputs = extra[:2] if extra[0] == "-i" else []
        self.ok(ffmpeg("-i", self.path("base.mov"), "-i", self.path("subtitles.srt"), "-i", self.path("chapters.txt"),
                       *inputs, "-map", "0", "-map", "1", "-map_metadata", "2", "-c", "copy", *extra[len(inputs):],
                       self.path(f"in.{ending}")))

    def test_keep_everything(self):
        command = self.recipe("keep everything else")
        for ending in ("mkv", "mp4", "mov"):
            with self.subTest(ending=ending):
                self.make_input(ending)
                self.run_recipe(command.replace(".mkv", f".{ending}"))
                before, after = self.streams(f"in.{ending}"), self.streams(f"out.{ending}")
                names = [[s.get("codec_name", s["codec_tag_string"]) for s in list_] for list_ in (before, after)]
                self.assertEqual(names[0], names[1])
                self.assertEqual(len(before), {"mkv": 5, "mp4": 5, "mov": 5}[ending], names[0])
                self.assertEqual((after[0]["width"], after[0]["height"]), (128, 96))
                for s, kept in list(zip(before, after))[:3]:
                    self.assertEqual(s["nb_read_packets"], kept["nb_read_packets"], s["codec_type"])
                for kind in ("a", "s"):
                    hashes = [self.ok(ffmpeg("-i", self.path(f"{name}.{ending}"), "-map", f"0:{kind}", "-c", "copy", "-f",
                                             "streamhash", "-")).text for name in ("in", "out")]
                    self.assertEqual(hashes[0], hashes[1])
                told = [self.probe(f"{name}.{ending}", "-show_chapters", "-show_format") for name in ("in", "out")]
                self.assertEqual([c["tags"]["title"] for c in told[1]["chapters"]], ["one", "two"])
                self.assertEqual(told[0]["format"]["tags"]["title"], told[1]["format"]["tags"]["title"])
                if ending == "mov":
                    self.assertEqual(after[0]["tags"]["timecode"], "01:02:03:04")
                if ending == "mp4":
                    self.assertEqual(after[-1]["disposition"]["attached_pic"], 1)

    def test_variable_frame_rate(self):
        self.ok(ffmpeg(*raw_input("16x16"), "-vf", "settb=1/1000,setpts='N*40+mod(N*N*7\\,31)'", "-fps_mode",
                       "passthrough", "-enc_time_base", "1:1000", "-c:v", "libx264", "-bf", "0", self.path("in.mkv"),
                       stdin=gradient(16, 16, 12)))
        command = self.recipe("variable frame rate")
        self.run_recipe(command)
        self.run_recipe(command.replace("out.mp4", "out.mkv"))
        self.run_recipe(self.recipe("keep everything else").replace("out.mkv", "") +
                        re.search(r" -fps_mode.* (?=out)", command)[0] + "both.mkv")
        times = [[f["pts_time"] for f in self.probe(name, "-show_entries", "frame=pts_time", "-select_streams", "v")["frames"]]
                 for name in ("in.mkv", "out.mp4", "out.mkv", "both.mkv")]
        self.assertEqual(len(set(times[0])), 12)
        for other in times[1:]:
            self.assertEqual(times[0], other)

    def test_all_others_run(self):
        self.make_input("mp4")
        self.make_input("mkv")
        commands = {command for _, command in recipes()}
        self.assertGreater(len(commands), 8)
        for command in commands:
            with self.subTest(command=command):
                self.run_recipe(command)


class Build(PluginTest):
    """What build.sh leaves in."""

    def names(self, kind):
        text = self.ok(ffmpeg(f"-{kind}")).text
        return {name for line in text.splitlines() if len(line.split()) > 1 for name in line.split()[1].split(",")}

    def test_it_opens_what_is_old_or_rare(self):
        decoders = "cinepak indeo5 svq3 msvideo1 wmv1 rv40 vp6f mjpegb qtrle cfhd hap jpeg2000 exr dca truehd cook wmapro " \
                   "adpcm_ima_wav pgssub dvbsub libvpx libvpx-vp9 libdav1d wrapped_avframe"
        self.assertEqual(set(decoders.split()) - self.names("decoders"), set())
        self.assertEqual(set("rm mxf nut asf dv mpegts mpeg dts vobsub image2".split()) - self.names("demuxers"), set())

    def test_it_writes_animations_and_lossless_files(self):
        chain = "cdsr,split[a][b];[a]palettegen[p];[b][p]paletteuse"
        for name, words in (("out.gif", ["-vf", chain]), ("out.apng", ["-vf", "cdsr"]),
                            ("out.nut", ["-vf", "cdsr", "-c:v", "ffv1"]), ("out.mov", ["-vf", "cdsr", "-c:v", "prores_ks"]),
                            *([("out.webp", ["-vf", "cdsr"])] if "libwebp" in self.names("encoders") else [])):
            with self.subTest(name=name):
                self.ok(ffmpeg(*raw_input("32x24"), *words, self.path(name), stdin=gradient(32, 24, 3)))
                if name == "out.webp":  # not every FFmpeg reads its animations
                    continue
                text = self.ok(ffmpeg("-i", self.path(name), "-f", "framemd5", "-")).text
                self.assertEqual(len(frame_rows(text)), 3)

    def test_alpha_of_vp9_is_read_by_libvpx(self):
        clip = self.path("alpha.webm")
        self.ok(ffmpeg("-f", "lavfi", "-i", "color=red@0.5:s=64x48:d=0.12,format=yuva420p", "-c:v", "libvpx-vp9", "-auto-alt-ref", "0", clip))
        log = self.ok(ffmpeg("-c:v", "libvpx-vp9", "-i", clip, "-vf", "alphaextract,showinfo", "-f", "null", "-")).err
        self.assertRegex(log, r"mean:\[12[678]")


if __name__ == "__main__":
    unittest.main()
