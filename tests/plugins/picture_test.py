"""`cdsr upscale` beside the filter, on the same still pictures.

Beside what harness.py reads from the environment: CDSR_PROGRAM, the program `cdsr`.
"""

import os
import unittest

from harness import FFMPEG, MODELS, TINY, PluginTest, ffmpeg, run

PROGRAM = os.environ.get("CDSR_PROGRAM", "build/bin/cdsr")
# What PNG has.
FORMATS = ("gray", "ya8", "rgb24", "rgba", "gray16be", "ya16be", "rgb48be", "rgba64be")


class Picture(PluginTest):
    def tool(self, source, result):
        return self.ok(run([PROGRAM, "upscale", os.path.join(MODELS, "tiny-x2.safetensors"), self.path(source),
                            self.path(result), "--backend", "reference"]))

    def make(self, name, chain, *options):
        self.ok(ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=72x71:d=0.2,format=rgba64le,lutrgb=a=45000,{chain}",
                       *options, self.path(name)))

    def raw(self, name, pix_fmt):
        return self.ok(ffmpeg("-i", self.path(name), "-f", "rawvideo", "-pix_fmt", pix_fmt, "-")).out

    def pix_fmt(self, name):
        return self.ok(run([os.path.join(os.path.dirname(FFMPEG), "ffprobe"), "-v", "error",
                            "-show_entries", "stream=pix_fmt", "-of", "csv=p=0", self.path(name)])).text.strip()

    def test_the_tool_gives_the_bits_of_the_filter(self):
        for pix_fmt in FORMATS:
            for bars in ("null", "pad=72:99:0:14:black"):
                with self.subTest(pix_fmt=pix_fmt, bars=bars):
                    self.make("in.png", f"{bars},format={pix_fmt}", "-frames:v", "1")
                    self.assertEqual(self.pix_fmt("in.png"), pix_fmt)
                    self.tool("in.png", "tool.png")
                    self.ok(ffmpeg("-y", "-i", self.path("in.png"), "-vf", f"cdsr={TINY}", self.path("filter.png")))
                    self.assertEqual(self.pix_fmt("tool.png"), pix_fmt)
                    self.assertEqual(self.raw("tool.png", pix_fmt), self.raw("filter.png", pix_fmt))
                    os.remove(self.path("in.png"))

    def test_an_animation_is_said_and_the_command_for_all_of_it_runs(self):
        self.make("in.gif", "format=bgra")
        text = self.tool("in.gif", "one.png").err
        self.assertRegex(text, "holds more than one picture, only the first is upscaled")
        command = text.split("all of them: ")[1].split()
        self.assertEqual(command[0], "ffmpeg")
        result = self.path("out.apng")
        self.ok(ffmpeg(*command[1:-1], result))
        rows = self.ok(ffmpeg("-i", result, "-f", "framemd5", "-")).text
        self.assertEqual(len([line for line in rows.splitlines() if not line.startswith("#")]), 5)

    def test_what_is_lost_is_said(self):
        self.make("in.png", "format=rgba64be", "-frames:v", "1")
        self.assertEqual(self.tool("in.png", "same.png").err, "")
        self.assertRegex(self.tool("in.png", "out.jpg").err, "lost is transparency, 8 of 16 bits")
        self.assertRegex(self.tool("in.png", "out.npy").err, "lost is transparency, 8 of 16 bits")


if __name__ == "__main__":
    unittest.main()
