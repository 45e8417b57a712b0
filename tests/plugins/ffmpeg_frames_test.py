"""vf_cdsr.c: every format and size is what the library gives; colour tags, time stamps and properties."""

import re
import unittest

from harness import (GOLDEN, TINY, PluginTest, embed, ffmpeg, frame_rows, golden_input, gradient, max_difference,
                     raw_input)

FORMATS = [f"{base}{depth}" for base in ("yuv420p", "yuv422p", "yuv444p", "gbrp")
           for depth in ("", "9le", "10le", "12le", "14le", "16le")]
FORMATS += ["nv12", "nv21", "nv16", "nv24", "p010le", "p016le", "p210le", "p416le", "gray", "gray10le", "gray12le", "gray16le"]
FORMATS += ["yuva420p", "yuva422p10le", "yuva444p16le", "gbrap", "gbrap12le", "ya8", "ya16le"]
FORMATS += ["rgb24", "bgr24", "rgba", "bgra", "argb", "abgr", "rgb0", "0bgr", "rgb48le", "rgba64le", "bgra64le", "x2rgb10le"]
FORMATS += ["yuyv422", "uyvy422", "yvyu422", "y210le", "vuya", "ayuv64le"]
FORMATS += ["gray16be", "yuv420p10be", "yuva444p12be", "p010be", "gbrp14be", "rgb48be", "rgba64be", "ya16be"]


class Frames(PluginTest):
    def source(self, pix_fmt, size, frames=2):
        chain = f"testsrc2=s={size}:r=25,trim=end_frame={frames},format={pix_fmt}"
        if size != "64x48":  # testsrc2 makes even sizes
            chain = f"testsrc2=s=64x48:r=25,trim=end_frame={frames},format=rgba64le,scale={size.replace('x', ':')}," \
                    f"format={pix_fmt}"
        return self.ok(ffmpeg("-f", "lavfi", "-i", chain, "-f", "rawvideo", "-")).out

    def check_equal_to_library(self, pix_fmt, size, *settings):
        raw = self.source(pix_fmt, size)
        options = "".join(f":{s}" for s in settings)
        got = self.upscale(raw, size, options, pix_fmt)
        want = self.ok(embed(size, f"format={pix_fmt}", *TINY.split(":"), *settings, stdin=raw)).out
        self.assertGreater(len(want), len(raw))
        self.assertEqual(got, want, f"{pix_fmt} {size} {settings}: the filter differs from the library")

    def known(self):
        """FORMATS as far as this FFmpeg's scaler reads and writes them."""
        text = self.ok(ffmpeg("-pix_fmts")).text
        names = [name for name in FORMATS if re.search(rf"^IO\S* {name} ", text, re.MULTILINE)]
        self.assertGreater(len(names), len(FORMATS) - 8)
        return names

    def test_every_format_equals_library(self):
        for pix_fmt in self.known():
            with self.subTest(pix_fmt=pix_fmt):
                self.check_equal_to_library(pix_fmt, "33x27")

    def test_every_scale_equals_library(self):
        for scale in (2, 3, 4):
            with self.subTest(scale=scale):
                self.check_equal_to_library("yuv420p", "31x18", f"scale={scale}")

    def test_options_equal_library(self):
        for setting in ("strength=0.5", "chroma=sr", "refresh=1", "threads=1"):
            with self.subTest(setting=setting):
                self.check_equal_to_library("yuv420p", "64x48", setting)

    def test_small_wide_and_odd_sizes(self):
        for size in ("1x1", "2x1", "11x11", "12x13", "8192x64"):
            with self.subTest(size=size):
                width, height = map(int, size.split("x"))
                raw = gradient(width, height, 1)
                out = self.upscale(raw, size)
                w, h = 2 * width, 2 * height
                self.assertEqual(len(out), w * h + 2 * ((w + 1) // 2) * ((h + 1) // 2))
                want = self.ok(embed(size, *TINY.split(":"), stdin=raw)).out
                self.assertEqual(out, want)

    def test_alpha_is_scaled(self):
        raw = bytes(255 if c < 3 else (0 if x < 8 else 255) for _ in range(16) for x in range(16) for c in range(4))
        out = self.upscale(raw, "16x16", pix_fmt="rgba")
        alpha = out[3::4]
        self.assertEqual(len(alpha), 32 * 32)
        self.assertEqual((alpha[0], alpha[31]), (0, 255))

    def test_formats_are_taken_without_conversion(self):
        for pix_fmt in self.known() + ["yuvj420p", "yuvj422p", "yuvj444p"]:
            with self.subTest(pix_fmt=pix_fmt):
                log = self.ok(ffmpeg("-f", "lavfi", "-i", f"color=s=16x16:d=0.04,format={pix_fmt}", "-vf",
                                     f"cdsr={TINY}", "-f", "null", "-", level="verbose")).err
                self.assertRegex(log, rf"16x16 -> 32x32 {pix_fmt}\b")

    def test_no_format_falls_below_its_depth(self):
        """Of those that libcdsr lacks FFmpeg makes one that has as many bits, colour and alpha."""
        known = {}
        for line in self.ok(ffmpeg("-pix_fmts")).text.splitlines():
            found = re.match(r"([I.][O.])[H.][P.][B.] (\S+) +(\d) +\d+ +([\d-]+)$", line)
            if found and found[1] == "IO" and not re.search("f16|f32|xyz", found[2]):
                known[found[2]] = (int(found[3]), max(map(int, found[4].split("-"))))
        self.assertGreater(len(known), 100)
        for name, (components, depth) in known.items():
            with self.subTest(pix_fmt=name):
                log = self.ok(ffmpeg("-f", "lavfi", "-i", f"color=s=8x8:d=0.04,format={name}", "-vf",
                                     f"cdsr={TINY}:strength=0", "-f", "null", "-", level="verbose")).err
                taken = re.search(r"8x8 -> 16x16 (\w+)", log)[1]
                self.assertGreaterEqual(known[taken][1], depth, taken)
                if name not in ("pal8", "bgr4_byte", "rgb4_byte"):
                    self.assertGreaterEqual(known[taken][0], components, taken)

    def test_no_format_loses_chroma(self):
        """Nor does it make one with fewer chroma samples, across or down."""
        halvings = {"444": (0, 0), "440": (0, 1), "422": (1, 0), "420": (1, 1), "411": (2, 0), "410": (2, 2)}
        for name in ("yuv440p", "yuvj440p", "yuv440p10le", "yuv440p12le", "yuv411p", "yuvj411p", "yuv410p"):
            with self.subTest(pix_fmt=name):
                log = self.ok(ffmpeg("-f", "lavfi", "-i", f"color=s=16x16:d=0.04,format={name}", "-vf",
                                     f"cdsr={TINY}:strength=0", "-f", "null", "-", level="verbose")).err
                taken = re.search(r"16x16 -> 32x32 (\w+)", log)[1]
                layouts = [("444" if n.startswith("xv") else re.search(r"4\d\d", n)[0]) for n in (name, taken)]
                for was, now in zip(halvings[layouts[0]], halvings[layouts[1]]):
                    self.assertLessEqual(now, was, taken)

    def test_pictures_of_16_bits_stay_so(self):
        for pix_fmt in ("rgb48be", "gray16be", "rgba64be", "ya16be"):
            with self.subTest(pix_fmt=pix_fmt):
                name, out = self.path(f"{pix_fmt}.png"), self.path(f"{pix_fmt}-out.png")
                # From left to right no more than eight codes of 8 bits.
                self.ok(ffmpeg("-f", "lavfi", "-i", "color=s=32x16:d=0.04,format=gray16le,geq=lum='30000+64*X'",
                               "-frames:v", "1", "-pix_fmt", pix_fmt, name))
                self.ok(ffmpeg("-i", name, "-vf", f"cdsr={TINY}:strength=0", "-frames:v", "1", out))
                log = self.ok(ffmpeg("-i", out, "-f", "null", "-")).err
                self.assertRegex(log, rf"Video: png, {pix_fmt}\b.* 64x32")
                raw = self.ok(ffmpeg("-i", out, "-f", "rawvideo", "-pix_fmt", "gray16le", "-")).out
                row = [int.from_bytes(raw[i:i + 2], "little") for i in range(0, 128, 2)]
                self.assertGreater(len(set(row)), 32)

    def test_alpha_video_keeps_matrix_tags_and_depth(self):
        raw = self.source("yuva444p10le", "32x24")
        log = self.ok(ffmpeg(*raw_input("32x24", "yuva444p10le"), "-vf",
                             f"setparams=colorspace=bt709:range=tv,cdsr={TINY},showinfo", "-f", "null", "-",
                             stdin=raw, level="verbose")).err
        self.assertRegex(log, r"32x24 -> 64x48 yuva444p10le")
        self.assertRegex(log, r"color_range:tv color_space:bt709")

    def test_super_whites_and_sub_blacks_come_through(self):
        for options in (":strength=0", ":enable=0"):  # with a network: excursions_test.cpp
            with self.subTest(options=options):
                raw = bytes(min(255, 4 * x) for _ in range(16) for x in range(64)) + bytes([128]) * (2 * 32 * 8)
                row = self.upscale(raw, "64x16", options)[128 * 8:128 * 9]
                self.assertLessEqual(row[0], 8)
                self.assertGreaterEqual(row[-1], 246)

    def test_yuvj_is_full_range(self):
        log = self.ok(ffmpeg("-f", "lavfi", "-i", "color=white:s=16x16:d=0.04,format=yuvj420p", "-vf",
                             f"cdsr={TINY}:strength=0,showinfo", "-f", "null", "-")).err
        self.assertRegex(log, r"fmt:yuvj420p.*mean:\[255 ")
        self.assertRegex(log, r"color_range:pc")

    def test_tags_are_kept(self):
        log = self.filter_text(gradient(16, 16, 1), "16x16",
                               "setparams=colorspace=bt2020nc:range=pc:color_primaries=bt2020:color_trc=bt709,"
                               f"cdsr={TINY},showinfo").err
        self.assertRegex(log, r"color_range:pc color_space:bt2020nc color_primaries:bt2020 color_trc:bt709")

    def test_guess_of_the_input_size_is_written(self):
        # 640x16 is SD although its output is wide enough to be guessed HD.
        for width, matrix in ((640, "(smpte170m|bt470bg)"), (1280, "bt709")):
            log = self.filter_text(gradient(width, 16, 1), f"{width}x16", f"cdsr={TINY},showinfo").err
            self.assertRegex(log, rf"color_range:tv color_space:{matrix} ")

    def test_size_and_format_change_in_mid_stream(self):
        # H.264 with its headers in the stream: its decoder follows every change.
        parts = [("48x32", "yuv420p"), ("32x48", "yuv444p10le"), ("48x32", "yuv422p"), ("17x11", "yuv444p")]
        names = []
        for i, (size, pix_fmt) in enumerate(parts):
            names.append(self.path(f"{i}.ts"))
            self.ok(ffmpeg(*raw_input(size, pix_fmt), "-c:v", "libx264", "-qp", "1", "-g", "1", names[-1],
                           stdin=self.source(pix_fmt, size, frames=3)))
        listing = self.write("list.txt", "".join(f"file '{name}'\n" for name in names).encode())
        result = self.ok(ffmpeg("-f", "concat", "-safe", "0", "-i", listing, "-vf",
                                f"cdsr={TINY},scale=96:64,format=yuv420p", "-fps_mode", "passthrough",
                                "-f", "framemd5", "-", level="verbose"))
        self.assertEqual(len(frame_rows(result.text)), 3 * len(parts), result.err)
        for size, pix_fmt in (("96x64", "yuv420p"), ("64x96", "yuv444p10le"), ("96x64", "yuv422p"), ("34x22", "yuv444p")):
            self.assertRegex(result.err, rf"-> {size} {pix_fmt}\b")

    def test_size_change_inside_a_graph(self):
        # scale=eval=frame changes the frames without configuring what follows anew.
        chain = f"scale=w='if(gte(t,0.08),24,16)':h=16:eval=frame,cdsr={TINY},showinfo"
        log = self.filter_text(gradient(16, 16, 4), "16x16", chain).err
        self.assertEqual([s for s in ("32x32", "48x32") for _ in range(log.count(f" s:{s} "))],
                         ["32x32"] * 2 + ["48x32"] * 2, log)

    def test_variable_frame_rate_is_kept(self):
        clip = self.path("vfr.mkv")
        self.ok(ffmpeg(*raw_input("16x16"), "-vf", "settb=1/1000,setpts='N*40+mod(N*N*7\\,31)'", "-fps_mode",
                       "passthrough", "-enc_time_base", "1:1000", "-c:v", "ffv1", clip, stdin=gradient(16, 16, 12)))
        rows = {}
        for name, chain in (("plain", "null"), ("cdsr", f"cdsr={TINY}")):
            text = self.ok(ffmpeg("-i", clip, "-vf", chain, "-fps_mode", "passthrough", "-enc_time_base",
                                  "1:1000", "-f", "framemd5", "-")).text
            rows[name] = [(pts, duration) for pts, duration, _, _ in frame_rows(text)]
        self.assertEqual(len(rows["plain"]), 12)
        self.assertGreater(len({b[0] - a[0] for a, b in zip(rows["plain"], rows["plain"][1:])}), 3)
        self.assertEqual(rows["plain"], rows["cdsr"])

    def test_no_frame_is_lost(self):
        text = self.ok(ffmpeg(*raw_input("16x16"), "-vf", f"cdsr={TINY}", "-f", "framemd5", "-",
                              stdin=gradient(16, 16, 100))).text
        self.assertEqual([row[0] for row in frame_rows(text)], list(range(100)))

    def test_aspect_ratio_and_side_data(self):
        log = self.filter_text(gradient(16, 16, 1), "16x16",
                               f"setsar=4/3,addroi=0:0:8:8:0.1,showinfo,cdsr={TINY},showinfo").err
        before, after = log.split("s:32x32")
        self.assertIn("Regions Of Interest", before)
        self.assertNotIn("Regions Of Interest", after)
        self.assertTrue(before.endswith("sar:4/3 "), before[-200:])

    def test_golden(self):
        # In fp32 every processor agrees up to rounding (libm's exp may differ in the last place): one code value.
        with open(f"{GOLDEN}/ffmpeg_tiny_x2_yuv420p.txt", encoding="ascii") as file:
            want = bytes.fromhex("".join(line for line in file if not line.startswith("#")))
        got = self.upscale(golden_input(), "24x16", ":precision=fp32:shots=off:chroma=sr")
        self.assertEqual(len(got), len(want))
        self.assertLessEqual(max_difference(got, want), 1)


if __name__ == "__main__":
    unittest.main()
