"""gst_plugin: the plugin file as its user has it, in pipelines made by gst-launch-1.0.

Beside what harness.py reads from the environment: CDSR_GST_PLUGINS, the folder of libgstcdsr.so.
"""

import os
import random
import re
import shutil
import subprocess
import unittest

from harness import MODELS, PluginTest, Result, gradient

PLUGINS = os.environ.get("CDSR_GST_PLUGINS", "build/lib/gstreamer-1.0")
CDSR = f"cdsr backend=reference model={MODELS}/tiny-x2.safetensors"


class Pipelines(PluginTest):
    def setUp(self):
        super().setUp()
        if not os.path.exists(os.path.join(PLUGINS, "libgstcdsr.so")) or not shutil.which("gst-launch-1.0"):
            text = f"no libgstcdsr.so in {PLUGINS}, or no gst-launch-1.0"
            self.assertNotEqual(os.environ.get("CDSR_REQUIRE_PLUGINS"), "1", text)
            self.skipTest(text)

    def gst(self, *command, **environment):
        env = dict(os.environ, GST_PLUGIN_PATH=PLUGINS, GST_REGISTRY=self.path("registry.bin"), **environment)
        return Result(subprocess.run(command, capture_output=True, timeout=240, check=False, env=env))

    def launch(self, pipeline, **environment):
        return self.gst("gst-launch-1.0", *pipeline.split(), **environment)

    def through_element(self, raw, gst_format, size, options="", tags="colorimetry=bt601,chroma-site=mpeg2"):
        """Raw frames through the element."""
        width, height = size
        source = self.write("in.raw", raw)
        self.ok(self.launch(
            f"filesrc location={source} ! rawvideoparse format={gst_format} width={width} height={height} "
            f"framerate=25/1 ! capssetter caps=video/x-raw{',' + tags if tags else ''} ! {CDSR} {options} ! "
            f"filesink location={self.path('out.raw')}"))
        with open(self.path("out.raw"), "rb") as file:
            return file.read()

    def refuses(self, result, words):
        """gst-launch-1.0 ended by itself (a signal is a negative number), and said why."""
        self.assertIn(result.rc, (1, 255), result.err[-2000:])
        self.assertRegex(result.err, re.compile(words, re.IGNORECASE))

    def test_inspect_reads_well(self):
        result = self.ok(self.gst("gst-inspect-1.0", "cdsr"))
        self.assertNotRegex(result.err, "(?i)critical|warning|error")
        for word in ("scale", "model", "strength", "shot-threshold", "deadline", "stats", "video/x-raw",
                     "CDSR video super-resolution"):
            self.assertIn(word, result.text)

    def test_same_bits_as_the_ffmpeg_filter(self):
        raw = gradient(64, 48, 4) + gradient(64, 48, 3, seed=3)
        for options, filter_options in (("", ""), ("strength=0.5", ":strength=0.5"), ("chroma=bicubic", ":chroma=bicubic")):
            with self.subTest(options=options):
                got = self.through_element(raw, "i420", (64, 48), options)
                self.assertEqual(len(got), 7 * 128 * 96 * 3 // 2)
                self.assertEqual(got, self.upscale(raw, "64x48", filter_options))

    def test_same_bits_in_other_formats(self):
        for gst_format, pix_fmt, tags, size in (
                ("nv12", "nv12", "colorimetry=bt601,chroma-site=mpeg2", 64 * 48 * 3 // 2),
                ("y444-10le", "yuv444p10le", "colorimetry=bt601", 64 * 48 * 6),
                ("yuy2", "yuyv422", "colorimetry=bt601,chroma-site=mpeg2", 64 * 48 * 2),
                ("uyvy", "uyvy422", "colorimetry=bt601,chroma-site=mpeg2", 64 * 48 * 2),
                ("a420", "yuva420p", "colorimetry=bt601,chroma-site=mpeg2", 64 * 48 * 5 // 2),
                ("argb", "argb", "", 64 * 48 * 4),
                ("xbgr", "0bgr", "", 64 * 48 * 4),
                ("rgba64-be", "rgba64be", "", 64 * 48 * 8),
                ("gray16-be", "gray16be", "", 64 * 48 * 2),
                ("y210", "y210le", "colorimetry=bt601,chroma-site=mpeg2", 64 * 48 * 4),
                ("rgb", "rgb24", "", 64 * 48 * 3)):
            with self.subTest(pix_fmt=pix_fmt):
                raw = (gradient(64, 48, 8) * 2)[:2 * size]
                if pix_fmt == "yuv444p10le":  # ten bits, the upper six zero
                    raw = bytes(b & 3 if i % 2 else b for i, b in enumerate(raw))
                got = self.through_element(raw, gst_format, (64, 48), tags=tags)
                self.assertEqual(got, self.upscale(raw, "64x48", pix_fmt=pix_fmt))

    def test_what_the_element_lacks_is_converted_without_loss(self):
        """Y41B and YUV9: videoconvert makes a format of as many bits and chroma samples."""
        fine = "I422|Y42B|A422|Y444|A444|Y210|Y212|Y410|Y412|YUY2|UYVY|YVYU|VYUY|NV16|NV61|NV24|AYUV|VUYA"
        for name, wanted in (("Y41B", fine), ("YUV9", fine + "|I420|YV12|NV12|NV21|A420")):
            with self.subTest(format=name):
                text = self.ok(self.launch(f"videotestsrc num-buffers=1 ! video/x-raw,format={name},width=48,height=16 ! "
                                           f"videoconvert ! {CDSR} name=upscaler ! fakesink -v")).text
                self.assertRegex(text, rf"upscaler\.GstPad:sink: caps = .*format=\(string\)({wanted})")

    def test_v210_is_ten_bit_422(self):
        """The bits of the same samples in planes, at widths that end anywhere in v210's groups of six."""
        def through(width, head, tail):
            self.ok(self.launch(
                f"videotestsrc num-buffers=2 pattern=zone-plate kx2=40 ky2=30 kt=9 ! video/x-raw,format=I422_10LE,"
                f"width={width},height=18,colorimetry=bt601,chroma-site=mpeg2 ! {head} {CDSR} ! {tail} "
                f"filesink location={self.path('out.raw')}"))
            with open(self.path("out.raw"), "rb") as file:
                raw = file.read()
            # Rows of chroma, twice the input's, are padded to four bytes with whatever was there.
            luma, row = 36 * 4 * width, (2 * width + 3) // 4 * 4
            frame = luma + 2 * 36 * row
            self.assertEqual(len(raw), 2 * frame)
            return [raw[n * frame:n * frame + luma] for n in range(2)] + [
                raw[n * frame + luma + y * row:][:2 * width] for n in range(2) for y in range(2 * 36)]
        convert = "videoconvert dither=none !"
        for width in (2, 7, 24, 45, 46, 47, 52):
            with self.subTest(width=width):
                self.assertEqual(through(width, f"{convert} video/x-raw,format=v210 !",
                                         f"video/x-raw,format=v210 ! {convert} video/x-raw,format=I422_10LE !"),
                                 through(width, "", ""))

    def test_two_elements_in_one_pipeline(self):
        result = self.ok(self.launch(
            f"-v videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=16,height=12 ! {CDSR} ! {CDSR} ! fakesink"))
        self.assertRegex(result.text, r"fakesink0.GstPad:sink: caps = .*width=\(int\)64, height=\(int\)48")

    def test_tee(self):
        self.ok(self.launch(
            f"videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=16,height=12 ! tee name=t ! queue ! {CDSR} ! "
            f"fakesink t. ! queue ! {CDSR} strength=0 ! fakesink"))

    def test_messages_are_seen(self):
        result = self.ok(self.launch(
            f"-m videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=16,height=12 ! {CDSR} ! fakesink"))
        self.assertEqual(len(re.findall(r"cdsr-shot, shot=\(gint64\)0", result.text)), 1, result.text[-2000:])
        self.assertIn("embedding=(float)<", result.text)

    def test_what_happens_is_logged(self):
        """The debug category `cdsr`: what was negotiated, and each frame."""
        result = self.ok(self.launch(
            f"videotestsrc num-buffers=2 ! video/x-raw,format=I420,width=16,height=12 ! {CDSR} ! fakesink",
            GST_DEBUG="cdsr:6", GST_DEBUG_NO_COLOR="1"))
        self.assertRegex(result.err, r"cdsr .*INFO|INFO +cdsr")
        self.assertEqual(len(re.findall(r"<cdsr0> frame 0:00:00\.\d+: shot 0", result.err)), 2, result.err[-2000:])

    def test_nothing_leaks(self):
        for options in ("", "deadline=1000", "key-unit-on-shot=true refresh=2"):
            with self.subTest(options=options):
                log = self.path("leaks.log")
                self.ok(self.launch(
                    f"videotestsrc num-buffers=5 ! video/x-raw,format=I420,width=32,height=24 ! {CDSR} {options} ! "
                    "fakesink", GST_TRACERS="leaks", GST_DEBUG="GST_TRACER:7", GST_DEBUG_FILE=log))
                with open(log, encoding="utf-8", errors="replace") as file:
                    text = file.read()
                self.assertIn("object-alive", text, "the tracer did not run")  # it describes its records first
                self.assertEqual(re.findall(r"object-alive, type-name=\(string\)[^%,]+", text), [])

    def test_gst_validate_finds_no_issue(self):
        if not shutil.which("gst-validate-1.0"):
            self.skipTest("no gst-validate-1.0: Debian has no package of it")
        for options in ("", "deadline=1000"):
            with self.subTest(options=options):
                result = self.ok(self.gst("gst-validate-1.0", *(
                    "videotestsrc num-buffers=10 ! video/x-raw,format=I420,width=32,height=24,framerate=25/1 ! "
                    f"{CDSR} {options} ! fakesink").split()))
                self.assertIn("Issues found: 0", result.text + result.err)

    def test_what_fails_says_why(self):
        small = "videotestsrc num-buffers=3 ! video/x-raw,width=16,height=12"
        for pipeline, words in ((f"{small} ! cdsr model=/nowhere.safetensors ! fakesink", "nowhere"),
                                (f"{small} ! cdsr backend=warp ! fakesink", "warp"),
                                (f"{small} ! {CDSR} ! video/x-raw,width=33 ! fakesink async=false", "caps|negotiat|link")):
            with self.subTest(pipeline=pipeline):
                self.refuses(self.launch(pipeline), words)

    def test_a_stream_goes_on_after_garbage_in_another_size(self):
        """What a camera does that fails and comes back: H.264, then noise, then H.264 of another size."""
        def h264(name, size):
            self.ok(self.launch(
                f"videotestsrc num-buffers=12 pattern=ball ! video/x-raw,format=I420,{size},framerate=25/1 ! "
                f"x264enc key-int-max=4 ! video/x-h264,stream-format=byte-stream ! filesink location={self.path(name)}"))
            with open(self.path(name), "rb") as file:
                return file.read()
        noise = random.Random(1).randbytes(4000)
        stream = self.write("broken.h264", h264("a", "width=64,height=48") + noise + h264("b", "width=96,height=64"))
        result = self.ok(self.launch(
            f"-v filesrc location={stream} ! h264parse ! avdec_h264 ! {CDSR} ! fakesink name=out sync=false"))
        for size in (r"width=\(int\)128, height=\(int\)96", r"width=\(int\)192, height=\(int\)128"):
            self.assertRegex(result.text, "out.*" + size)

    def test_garbage_ends_with_an_error(self):
        """What is no video at all. The sink does not wait for a first frame: gst-launch-1.0 1.22, with or without the
        element, may wait for ever when the end follows an error before there was one."""
        noise = self.write("noise.jpg", bytes(range(256)) * 40)
        self.refuses(self.launch(f"filesrc location={noise} ! jpegdec ! videoconvert ! {CDSR} ! fakesink async=false"),
                     "ERROR")


if __name__ == "__main__":
    unittest.main()
