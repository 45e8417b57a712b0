"""vf_cdsr.c with frames in a GPU: FFmpeg's own CUDA frames on the stand-in for a GPU (tests/cuda/on_cpu).

Beside harness.py's, the environment says (tests/plugins/CMakeLists.txt sets it where the stand-in is built):
  CDSR_CUDA_ON_CPU       the folder of its libcuda.so.1 and of the CUDA module made for it
"""

import json
import os
import re
import shutil
import subprocess
import unittest

from harness import FFMPEG, LIBRARY, PluginTest, ffmpeg, gradient, raw_input, run

FOLDER = os.environ.get("CDSR_CUDA_ON_CPU", "")
MODEL = "model=tiny:backend=cuda:precision=fp32"
UP, DOWN = "hwupload_cuda", "hwdownload"


def pgmyuv(width, height, raw):
    """A yuv420p frame as a file that says its size; both chroma planes lie side by side under luma."""
    luma, rest, half = raw[:width * height], raw[width * height:], width // 2
    u, v = rest[:len(rest) // 2], rest[len(rest) // 2:]
    chroma = b"".join(plane[y * half:(y + 1) * half] for y in range(height // 2) for plane in (u, v))
    return b"P5\n%d %d\n255\n" % (width, height * 3 // 2) + luma + chroma


class OnStandIn(PluginTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not FOLDER or not os.path.exists(os.path.join(FOLDER, "libcuda.so.1")):
            raise unittest.SkipTest("no stand-in for a GPU: this build has no CUDA backend")
        if not re.search(r"\bhwupload_cuda\b", ffmpeg("-filters").text):
            raise unittest.SkipTest(f"{FFMPEG} has no CUDA (libffmpeg-nvenc-dev, then filter/ffmpeg/build.sh)")

    def on_stand_in(self, call, *arguments, **options):
        """What runs ffmpeg or the like, on the stand-in: its result, and what the stand-in has counted."""
        report = self.path("report.json")
        settings = {"LD_LIBRARY_PATH": FOLDER, "CDSR_CUDA_MODULE": os.path.join(FOLDER, "libcdsr_cuda.so"),
                    "CDSR_CUDNN": "off", "CUDA_ON_CPU_REPORT": report}
        before = dict(os.environ)
        os.environ.update(settings)
        try:
            result = call(*arguments, **options)
        finally:
            os.environ.clear()
            os.environ.update(before)
        with open(report, encoding="utf-8") as file:
            return result, json.load(file)

    def clean(self, result, counts):
        """Nothing was done that a GPU does not allow, and nothing is left."""
        self.assertNotRegex(result.err, r"\[cuda_on_cpu\] fa(ult|tal):")
        self.assertEqual(counts["faults"], 0)
        self.assertEqual(counts["allocations_left"], 0)
        self.assertEqual(counts["contexts_left"], 0)
        return result, counts
        return result, counts

    def on_gpu(self, *arguments, stdin=None):
        return self.clean(*self.on_stand_in(ffmpeg, *arguments, stdin=stdin))

    def source(self, pix_fmt, size, frames):
        width, height = map(int, size.split("x"))
        raw = gradient(width, height, frames - 1) + gradient(width, height, 1, seed=3)  # two shots
        return self.ok(ffmpeg(*raw_input(size), "-vf", f"format={pix_fmt}", "-f", "rawvideo", "-", stdin=raw)).out


class CudaFrames(OnStandIn):
    """Frames that FFmpeg's own filters bring up and down."""

    def chain(self, raw, size, pix_fmt, chain, *more, out=None):
        """Raw frames through a chain of filters: the raw output and the counts."""
        result, counts = self.on_gpu(*more, *raw_input(size, pix_fmt), "-vf", chain, "-pix_fmt", out or pix_fmt, "-f",
                                     "rawvideo", "-", stdin=raw)
        self.ok(result)
        return result.out, counts

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def same(self, raw, size, pix_fmt, there, here, *more):
        """A chain of filters on the stand-in gives what another one gives with host frames."""
        got, counts = self.chain(raw, size, pix_fmt, there, *more)
        want, _ = self.chain(raw, size, pix_fmt, here)
        self.assertGreater(len(want), 0)
        self.assertEqual(got, want)
        return counts

    def test_the_pictures_are_those_of_host_frames(self):
        for pix_fmt, size in (("nv12", "96x64"), ("p010le", "96x64"), ("nv12", "98x50"), ("yuv420p", "96x64"),
                              ("yuv444p", "50x38")):
            with self.subTest(pix_fmt=pix_fmt, size=size):
                raw = self.source(pix_fmt, size, 4)
                self.same(raw, size, pix_fmt, f"{UP},cdsr={MODEL},{DOWN},format={pix_fmt}", f"cdsr={MODEL}")

    def test_half_precision(self):
        raw = self.source("p010le", "64x48", 3)
        half = MODEL.replace("fp32", "auto")
        self.same(raw, "64x48", "p010le", f"{UP},cdsr={half},{DOWN},format=p010le", f"cdsr={half}")

    def test_frames_may_be_kept(self):
        # Of the filter's pool and of the upload's; and none is written again while somebody has it.
        raw = self.source("nv12", "64x48", 12)
        self.same(raw, "64x48", "nv12", f"{UP},reverse,cdsr={MODEL},reverse,{DOWN},format=nv12",
                  f"reverse,cdsr={MODEL},reverse")

    def test_cropped_frames(self):
        # CUDA frames stay whole where a decoder or crop has noted what to cut off, and so do the upscaled ones.
        raw = self.source("nv12", "96x64", 2)
        self.same(raw, "96x64", "nv12", f"{UP},crop=64:40:10:6,cdsr={MODEL},{DOWN},format=nv12", f"cdsr={MODEL}")

    def test_the_devices_first_context_and_another(self):
        raw = self.source("nv12", "64x48", 2)
        for primary in ("0", "1"):
            with self.subTest(primary=primary):
                self.same(raw, "64x48", "nv12", f"{UP.replace('_cuda', '')},cdsr={MODEL},{DOWN},format=nv12",
                          f"cdsr={MODEL}", "-init_hw_device", f"cuda=gpu:0,primary_ctx={primary}", "-filter_hw_device",
                          "gpu")

    def test_no_frame_is_copied_through_the_host(self):
        # The module's own copies are weights, vectors and the shots' statistic: beside the statistic their number
        # does not grow with the frames.
        statistic = 2 * 80 * 45
        seen = []
        for frames in (3, 6):
            raw = self.source("nv12", "160x90", frames)
            _, counts = self.chain(raw, "160x90", "nv12", f"{UP},cdsr={MODEL},{DOWN},format=nv12")
            self.assertEqual(counts["from_gpu"].pop(str(statistic)), frames)
            self.assertLess(max(map(int, counts["from_gpu"])), statistic)
            self.assertEqual(counts["within"], {})
            seen.append((counts["to_gpu"], counts["from_gpu"]))
            # The host's: up, and down again.
            self.assertEqual(sum(counts["host_to_gpu"].values()), 2 * frames)
            self.assertEqual(sum(counts["host_from_gpu"].values()), 2 * frames)
        self.assertEqual(seen[0], seen[1])

    def test_the_end_of_the_film_and_of_the_output(self):
        raw = self.source("nv12", "64x48", 5)
        chain = f"{UP},cdsr={MODEL},{DOWN},format=nv12"
        whole, _ = self.chain(raw, "64x48", "nv12", chain)
        for arguments in (("-frames:v", "2"), ("-t", "0.08")):
            with self.subTest(arguments=arguments):
                result, _ = self.on_gpu(*raw_input("64x48", "nv12"), "-vf", chain, *arguments, "-f", "rawvideo", "-",
                                        stdin=raw)
                self.assertEqual(self.ok(result).out, whole[:2 * len(whole) // 5])

    def test_films_side_by_side(self):
        # A device, a context and a session of its own for each.
        parts = [("nv12", "64x48"), ("p010le", "96x64"), ("nv12", "64x48")]
        inputs, chains, outputs = [], [], []
        for n, (pix_fmt, size) in enumerate(parts):
            inputs += raw_input(size, pix_fmt, self.write(f"in{n}", self.source(pix_fmt, size, 2)))
            chains.append(f"[{n}:v]{UP},cdsr={MODEL},{DOWN},format={pix_fmt}[v{n}]")
            outputs += ["-map", f"[v{n}]", "-f", "rawvideo", self.path(f"out{n}")]
        self.ok(self.on_gpu(*inputs, "-filter_complex", ";".join(chains), *outputs)[0])
        for n, (pix_fmt, size) in enumerate(parts):
            want, _ = self.chain(self.read(f"in{n}"), size, pix_fmt, f"cdsr={MODEL}")
            self.assertEqual(self.read(f"out{n}"), want)

    def test_size_changes_within_a_film(self):
        # FFmpeg makes the filters anew, and the device's frames with them.
        sizes = ((64, 48), (96, 64), (64, 48))
        pictures = b"".join(pgmyuv(*size, gradient(*size, 1)) for size in sizes)
        film = ["-f", "pgmyuv_pipe", "-i", self.write("film.pgmyuv", pictures)]
        chains = (f"format=nv12,{UP},cdsr={MODEL},{DOWN},format=nv12", f"format=nv12,cdsr={MODEL}")
        got, want = (self.ok(self.on_gpu(*film, "-autoscale", "0", "-vf", chain, "-f", "rawvideo", "-")[0]).out
                     for chain in chains)
        self.assertEqual(len(want), sum(4 * w * h * 3 // 2 for w, h in sizes))
        self.assertEqual(got, want)


class DecodersFrames(OnStandIn):
    """Frames as NVDEC gives them: cuda_decoder.c, with a pool of surfaces of a fixed size that it needs back."""

    # Whole surfaces, what is cut off at the right and at the bottom, what is noted as cut off left and above.
    PLAIN, CROPPED = ("96x64", (0, 0, 0, 0)), ("96x64", (4, 2, 6, 4))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        prefix = os.path.dirname(os.path.dirname(os.path.abspath(FFMPEG)))
        if not shutil.which("pkg-config") or not os.path.exists(f"{prefix}/lib/pkgconfig/libavfilter.pc"):
            raise unittest.SkipTest(f"no libavfilter beside {FFMPEG}, or no pkg-config")

    def setUp(self):
        super().setUp()
        prefix = os.path.dirname(os.path.dirname(os.path.abspath(FFMPEG)))
        library = os.path.dirname(os.path.abspath(LIBRARY))
        path = f"{prefix}/lib/pkgconfig:{library}/pkgconfig:{os.environ.get('PKG_CONFIG_PATH', '')}"
        words = ["pkg-config", "--static", "--cflags", "--libs", "libavfilter", "libavutil", "ffnvcodec"]
        flags = subprocess.run(words, env=dict(os.environ, PKG_CONFIG_PATH=path), capture_output=True, text=True,
                               check=True)
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cuda_decoder.c")
        self.ok(run(["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", source, "-o",
                     self.path("decoder"), f"-L{library}", *flags.stdout.split(), f"-Wl,-rpath,{library}"]))

    def decode(self, memory, segments, chain=f"cdsr={MODEL}", surfaces=3, held=0):
        """Segments are (format, (size, crop), first pts, frames): what the program says, and the counts."""
        raw, words = b"", []
        for pix_fmt, (size, (left, top, right, bottom)), pts, frames in segments:
            width, height = map(int, size.split("x"))
            raw += self.source(pix_fmt, size, frames)
            words.append(":".join(map(str, (pix_fmt, width - right, height - bottom, left, top, right, bottom, pts,
                                            frames))))
        return self.on_stand_in(run, [self.path("decoder"), memory, chain, str(surfaces), str(held), *words], stdin=raw)

    @staticmethod
    def frames(result):
        return re.findall(r"^frame .*", result.err, re.MULTILINE)

    def same(self, segments, memory="cuda", **options):
        """A decoder's surfaces become the frames that the processor's become, and none is copied through it."""
        got, counts = self.clean(*self.decode(memory, segments, **options))
        want, _ = self.clean(*self.decode("host", segments, **options))
        self.assertEqual(self.frames(self.ok(got)), self.frames(self.ok(want)))
        self.assertEqual(len(self.frames(got)), sum(segment[3] for segment in segments))
        self.assertEqual(got.out, want.out)
        # The module's own copies down are vectors and the shot statistic; those of pictures are the decoder's and the
        # player's, two planes each way.
        self.assertEqual(counts["within"], {})
        self.assertLessEqual(max(map(int, counts["from_gpu"])), 2 * 80 * 45)
        for way in ("host_to_gpu", "host_from_gpu"):
            self.assertEqual(sum(counts[way].values()), 2 * len(self.frames(got)))
        return got, counts

    def test_surfaces_come_back(self):
        # One more than the decoder predicts from.
        for pix_fmt, memory in (("nv12", "cuda"), ("p010le", "cuda_primary")):
            with self.subTest(pix_fmt=pix_fmt):
                self.same([(pix_fmt, self.PLAIN, 0, 6)], memory)
        # A chain that keeps its frames starves the decoder: so the test would see it if the filter did.
        starved, _ = self.decode("cuda", [("nv12", self.PLAIN, 0, 6)], chain=f"reverse,cdsr={MODEL}")
        self.fails(starved, "no surface is left")

    def test_cropped_surfaces(self):
        got, _ = self.same([("nv12", self.CROPPED, 0, 3), ("p010le", self.CROPPED, 3, 2)])
        self.assertRegex(self.frames(got)[0], "frame 0 180x120 crop 8 4 0 0 shot 0")

    def test_the_player_keeps_frames(self):
        # Beyond the end of the filters that made them, too.
        self.same([("nv12", self.PLAIN, 0, 7), ("p010le", self.PLAIN, 7, 3)], held=5)

    def test_the_format_changes(self):
        small = ("64x48", (0, 0, 0, 8))
        self.same([("nv12", self.PLAIN, 0, 3), ("p010le", self.PLAIN, 3, 2), ("nv12", small, 5, 2),
                   ("nv12", self.CROPPED, 7, 2)])

    def test_seeks(self):
        # Back, and far ahead; the decoder gives up what it predicts from, the filter goes on.
        got, _ = self.same([("nv12", self.PLAIN, 100, 4), ("nv12", self.PLAIN, 20, 3), ("nv12", self.PLAIN, 5000, 3)],
                           held=2)
        times = [int(line.split()[1]) for line in self.frames(got)]
        self.assertEqual(times, [100, 101, 102, 103, 20, 21, 22, 5000, 5001, 5002])

    def test_the_end(self):
        # Of a chain that has frames yet when the decoder has none: they are drained. And of films of no frame and one.
        self.same([("nv12", self.PLAIN, 0, 4)], chain=f"cdsr={MODEL},reverse")
        self.same([("nv12", self.PLAIN, 0, 1)], held=3)

    def test_no_frame_is_copied_through_the_host(self):
        copies = []
        for frames in (3, 6):
            _, counts = self.same([("nv12", ("160x92", (0, 0, 0, 2)), 0, frames)])
            self.assertEqual(counts["from_gpu"].pop(str(2 * 80 * 45)), frames)
            copies.append((counts["to_gpu"], counts["from_gpu"]))
        self.assertEqual(copies[0], copies[1])


if __name__ == "__main__":
    unittest.main()
