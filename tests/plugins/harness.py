"""What the plugin tests share: running ffmpeg and the C API sample, inputs, and the reading of ffmpeg's output.

The environment says where things are (tests/plugins/CMakeLists.txt sets it):
  CDSR_FFMPEG            the ffmpeg program with the filter
  CDSR_EMBED             samples/embed.c, compiled
  CDSR_LIBRARY           libcdsr.so, for its table of options
  CDSR_MODEL_PATH        the folder of the test weights tiny-x2.safetensors and so on
  CDSR_REQUIRE_PLUGINS   1: a missing ffmpeg is a failure and not a skip
"""

import os
import re
import subprocess
import tempfile
import unittest

FFMPEG = os.environ.get("CDSR_FFMPEG", "build/ffmpeg/bin/ffmpeg")
EMBED = os.environ.get("CDSR_EMBED", "build/bin/cdsr-embed")
LIBRARY = os.environ.get("CDSR_LIBRARY", "build/lib/libcdsr.so")
MODELS = os.environ.get("CDSR_MODEL_PATH", "build/tests/plugins/weights")
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")

# The plain, single-threaded backend: equality tests are about the host, not about kernels.
TINY = "model=tiny:backend=reference"


class Result:
    def __init__(self, process):
        self.rc = process.returncode
        self.out = process.stdout
        self.err = process.stderr.decode("utf-8", "replace")
        self.text = self.out.decode("utf-8", "replace")


def run(command, stdin=None, timeout=240, cwd=None):
    process = subprocess.run(command, input=stdin if stdin is not None else b"", capture_output=True,
                             timeout=timeout, check=False, cwd=cwd)
    return Result(process)


def ffmpeg(*arguments, stdin=None, level="info"):
    return run([FFMPEG, "-hide_banner", "-nostats", "-v", level, *arguments], stdin)


def embed(size, *settings, stdin):
    return run([EMBED, size, *settings], stdin)


def gradient(width, height, frames, seed=0):
    """yuv420p frames made of integer arithmetic alone: the same bytes with every version of everything."""
    out = bytearray()
    cw, ch = (width + 1) // 2, (height + 1) // 2
    for n in range(frames):
        for y in range(height):
            out += bytes(16 + (x * 5 + y * 3 + n * 2 + seed * 40 + (60 if (x // 6 + y // 5 + seed) % 2 else 0)) % 220
                         for x in range(width))
        for plane in range(2):
            for y in range(ch):
                out += bytes(64 + (x * (3 + plane) + y * (4 - plane) + seed * 17) % 128 for x in range(cw))
    return bytes(out)


def golden_input():
    """24x16, three frames: what golden/ffmpeg_tiny_x2_yuv420p.txt was made of."""
    return gradient(24, 16, 2) + gradient(24, 16, 1, seed=3)


def raw_input(size, pix_fmt="yuv420p", name="-", rate=25):
    return ["-f", "rawvideo", "-pix_fmt", pix_fmt, "-s", size, "-r", str(rate), "-i", name]


def frame_rows(framemd5):
    """(pts, duration, size, hash) of every line of `-f framemd5` output."""
    rows = [line.split(",") for line in framemd5.splitlines() if line and not line.startswith("#")]
    return [(int(r[2]), int(r[3]), int(r[4]), r[5].strip()) for r in rows]


def metadata_rows(text):
    """One dictionary a frame out of `metadata=print:file=-`."""
    rows = []
    for line in text.splitlines():
        if line.startswith("frame:"):
            rows.append({})
        elif "=" in line and rows:
            key, value = line.split("=", 1)
            rows[-1][key] = value
    return rows


def max_difference(a, b):
    return max((abs(x - y) for x, y in zip(a, b)), default=0)


class PluginTest(unittest.TestCase):
    """Has an empty folder in self.folder; skipped aloud when ffmpeg has not been built."""

    @classmethod
    def setUpClass(cls):
        missing = [p for p in (FFMPEG, EMBED) if not os.access(p, os.X_OK)]
        if missing:
            text = f"not built: {', '.join(missing)} (filter/ffmpeg/build.sh makes ffmpeg)"
            if os.environ.get("CDSR_REQUIRE_PLUGINS") == "1":
                raise RuntimeError(text)
            raise unittest.SkipTest(text)

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="cdsr-plugin-test-")
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def ok(self, result):
        self.assertEqual(result.rc, 0, result.err[-3000:])
        return result

    def fails(self, result, *patterns):
        """Failed by its own decision (no signal), and said why in words."""
        self.assertGreater(result.rc, 0, "no failure, or killed by a signal: " + result.err[-3000:])
        for pattern in patterns:
            self.assertRegex(result.err, re.compile(pattern, re.IGNORECASE))
        return result

    def upscale(self, raw, size, options="", pix_fmt="yuv420p", before="", after="", model=TINY):
        """Raw frames through the filter: the raw output."""
        chain = ",".join(part for part in (before, f"cdsr={model}{options}", after) if part)
        result = self.ok(ffmpeg(*raw_input(size, pix_fmt), "-vf", chain, "-f", "rawvideo", "-", stdin=raw))
        return result.out

    def filter_text(self, raw, size, chain, level="info"):
        """The log and the printed metadata of a filter chain that is run for their sake."""
        return self.ok(ffmpeg(*raw_input(size), "-vf", chain, "-f", "null", "-", stdin=raw, level=level))
