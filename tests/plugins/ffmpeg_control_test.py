"""vf_cdsr.c: shots and their metadata, timeline, commands, threads, messages, help."""

import random
import re
import unittest

from harness import (MODELS, TINY, PluginTest, ffmpeg, frame_rows, gradient, max_difference, metadata_rows,
                     raw_input)

KEYS = {f"lavfi.cdsr.{key}" for key in ("shot", "hit", "score", "embed_ms", "reused")}
PRINT = "metadata=print:file=-"


def scenes(*seeds, frames=4):
    """A still or slowly moving picture for each seed; equal seeds are the same scene."""
    looks = {0: "testsrc=s=128x96:r=25", 1: "mandelbrot=s=128x96:r=25:start_scale=1.5:end_scale=1.4",
             2: "smptehdbars=s=128x96:r=25"}
    return [f"{looks[seed]},trim=end_frame={frames},setpts=PTS-STARTPTS,format=yuv420p" for seed in seeds]


class Control(PluginTest):
    def cut_clip(self, *seeds, frames=4):
        name = self.path("clip.mkv")
        inputs = [word for chain in scenes(*seeds, frames=frames) for word in ("-f", "lavfi", "-i", chain)]
        joined = "".join(f"[{i}]" for i in range(len(seeds))) + f"concat=n={len(seeds)}:v=1:a=0"
        self.ok(ffmpeg(*inputs, "-filter_complex", joined, "-c:v", "ffv1", name))
        return name

    def metadata_of(self, clip, chain):
        text = self.ok(ffmpeg("-i", clip, "-vf", f"{chain},{PRINT}", "-f", "null", "-")).text
        return metadata_rows(text)

    def test_metadata_on_every_frame(self):
        text = self.filter_text(gradient(32, 32, 5), "32x32", f"cdsr={TINY},{PRINT}").text
        rows = metadata_rows(text)
        self.assertEqual(len(rows), 5)
        for row in rows:
            self.assertEqual({key for key in row if key.startswith("lavfi.cdsr.")}, KEYS)
            self.assertRegex(row["lavfi.cdsr.score"], r"^[01]\.\d{4}$")

    def test_three_shots_are_embedded_three_times(self):
        rows = self.metadata_of(self.cut_clip(0, 1, 2), f"cdsr={TINY}")
        self.assertEqual([int(row["lavfi.cdsr.shot"]) for row in rows], [0] * 4 + [1] * 4 + [2] * 4)
        embedded = [i for i, row in enumerate(rows) if float(row["lavfi.cdsr.embed_ms"]) > 0]
        self.assertEqual(embedded, [0, 4, 8])

    def test_scene_that_comes_back_is_remembered(self):
        rows = self.metadata_of(self.cut_clip(0, 1, 0), f"cdsr={TINY}")
        self.assertEqual([i for i, row in enumerate(rows) if row["lavfi.cdsr.hit"] == "1"], [8])
        self.assertEqual([int(row["lavfi.cdsr.shot"]) for row in rows], [0] * 4 + [1] * 4 + [2] * 4)

    def test_shots_off_and_from_a_file(self):
        clip = self.cut_clip(0, 1)
        rows = self.metadata_of(clip, f"cdsr={TINY}:shots=off")
        self.assertEqual({row["lavfi.cdsr.shot"] for row in rows}, {"0"})
        cuts = self.write("cuts.txt", b"# first frames\n0\n3\n5\n")
        rows = self.metadata_of(clip, f"cdsr={TINY}:shots=file:shot_file={cuts}")
        self.assertEqual([int(row["lavfi.cdsr.shot"]) for row in rows], [0, 0, 0, 1, 1, 2, 2, 2])
        # Frames that -ss skips are not counted.
        text = self.ok(ffmpeg("-ss", "0.08", "-i", clip, "-vf", f"cdsr={TINY}:shots=file:shot_file={cuts},{PRINT}",
                              "-f", "null", "-")).text
        self.assertEqual([int(row["lavfi.cdsr.shot"]) for row in metadata_rows(text)], [0, 0, 0, 1, 1, 2])

    def test_cuts_of_scdet(self):
        clip = self.cut_clip(0, 1)
        rows = self.metadata_of(clip, f"scdet=threshold=10,cdsr={TINY}:shots=metadata")
        cuts = [i for i, row in enumerate(rows) if "lavfi.scd.time" in row]
        self.assertEqual(cuts, [4])
        self.assertEqual([int(row["lavfi.cdsr.shot"]) for row in rows], [0] * 4 + [1] * 4)
        log = self.ok(ffmpeg("-i", clip, "-vf", f"cdsr={TINY}:shots=metadata", "-f", "null", "-")).err
        self.assertEqual(log.count("put scdet before"), 1)

    def test_refresh_and_embed_frames(self):
        raw = gradient(32, 32, 6)
        for options, want in ((":refresh=2", [0, 2, 4]), (":embed_frames=3", [0, 1, 2])):
            rows = metadata_rows(self.filter_text(raw, "32x32", f"cdsr={TINY}{options}:shots=off,{PRINT}").text)
            self.assertEqual([i for i, row in enumerate(rows) if float(row["lavfi.cdsr.embed_ms"]) > 0], want)

    def test_fade_from_black_is_looked_at_until_the_picture_is_there(self):
        clip = self.path("fade.mkv")
        self.ok(ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25,trim=end_frame=60,format=yuv420p,fade=in:10:40",
                       "-c:v", "ffv1", clip))
        rows = self.metadata_of(clip, "cdsr=model=tiny:backend=cpu")
        looked = [i for i, row in enumerate(rows) if float(row["lavfi.cdsr.embed_ms"]) > 0]
        self.assertEqual(looked[0], 0)
        self.assertTrue(30 <= looked[-1] <= 50, looked)
        self.assertLess(len(looked), 8)
        shots = [row["lavfi.cdsr.shot"] for row in rows]
        self.assertEqual(len(set(shots[looked[1]:])), 1, "one shot from the first that can be seen on")

    def test_timeline_keeps_the_geometry(self):
        raw = gradient(32, 24, 6)
        frame = 64 * 48 * 3 // 2
        on = self.upscale(raw, "32x24")
        off = self.upscale(raw, "32x24", ":strength=0")
        mixed = self.upscale(raw, "32x24", ":enable='not(between(n,2,3))'")
        self.assertEqual(len(mixed), len(on))
        self.assertEqual(mixed[:2 * frame], on[:2 * frame])
        self.assertEqual(mixed[4 * frame:], on[4 * frame:])
        self.assertLessEqual(max_difference(mixed[2 * frame:4 * frame], off[2 * frame:4 * frame]), 1)
        self.assertGreater(max_difference(mixed[2 * frame:4 * frame], on[2 * frame:4 * frame]), 1)

    def test_commands(self):
        raw = gradient(32, 24, 6)
        frame = 64 * 48 * 3 // 2
        on, off = self.upscale(raw, "32x24"), self.upscale(raw, "32x24", ":strength=0")
        got = self.upscale(raw, "32x24", before="sendcmd=c='0.12 cdsr strength 0'")
        self.assertEqual(got[:3 * frame], on[:3 * frame])
        self.assertEqual(got[3 * frame:], off[3 * frame:])
        self.assertNotEqual(on, off)
        for command, answer in (("strength 0.5", "Success"), ("shot_threshold 0.9", "Success"),
                                ("refresh 3", "Success"), ("strength 7", "Numerical result out of range"),
                                ("scale 4", "Function not implemented")):
            log = self.filter_text(raw, "32x24", f"sendcmd=c='0.0 cdsr {command}',cdsr={TINY}", "verbose").err
            self.assertIn(f"ret:{answer}", log)

    def test_threads_and_runs_give_the_same_bits(self):
        raw = gradient(160, 120, 3)
        first, again, two = (self.upscale(raw, "160x120", f":threads={threads}", model="model=tiny:backend=cpu")
                             for threads in (1, 1, 2))
        self.assertEqual(first, again)
        self.assertEqual(first, two)

    def test_two_filters_in_a_graph(self):
        raw = gradient(32, 24, 4)
        alone = self.upscale(raw, "32x24")
        out = self.path("a.yuv"), self.path("b.yuv")
        self.ok(ffmpeg(*raw_input("32x24"), "-filter_complex", f"split[x][y];[x]cdsr={TINY}[a];[y]cdsr={TINY}[b]",
                       "-map", "[a]", "-f", "rawvideo", out[0], "-map", "[b]", "-f", "rawvideo", out[1], stdin=raw))
        for name in out:
            with open(name, "rb") as file:
                self.assertEqual(file.read(), alone)

    def test_memory_stays_flat(self):
        peak = []
        for frames in (50, 2000):
            log = self.ok(ffmpeg("-benchmark", "-f", "lavfi", "-i", f"testsrc=s=32x32:r=25,trim=end_frame={frames}",
                                 "-vf", "format=yuv420p,cdsr=model=tiny:backend=cpu:refresh=50", "-f", "null", "-")).err
            peak.append(int(re.search(r"maxrss=(\d+)", log).group(1)))  # KiB
        self.assertLess(peak[1], peak[0] + 4096)

    def test_warnings_are_given_once(self):
        log = self.filter_text(gradient(16, 16, 4), "16x16",
                               f"setfield=tff,setparams=color_trc=smpte2084,cdsr={TINY}").err
        self.assertEqual(log.count("deinterlace before"), 1)
        self.assertEqual(log.count("PQ or HLG"), 1)

    def one_frame(self, options):
        return ffmpeg(*raw_input("16x16"), "-vf", f"cdsr={options}", "-f", "framemd5", "-", stdin=gradient(16, 16, 1))

    def test_missing_model(self):
        self.fails(self.one_frame("model=no-such-model"), r"no-such-model")
        self.fails(self.one_frame(f"model={self.folder}/none.safetensors"), r"none\.safetensors")
        self.fails(self.one_frame("model=cdsr-rt-noise:scale=4"), r"for scale 4, there are: .*cdsr-rt-noise \(x2\)")

    def test_a_folder_is_neither_a_model_nor_a_list_of_shots(self):
        self.fails(self.one_frame(f"model={self.folder}"), r"a directory, must be a \.safetensors file")
        self.fails(self.one_frame(f"{TINY}:shots=file:shot_file={self.folder}"), r"a directory, must be a text file")

    def test_a_colon_in_a_path_is_escaped(self):
        with open(f"{MODELS}/tiny-x2.safetensors", "rb") as file:
            self.write("a:b.safetensors", file.read())
        cuts = self.write("cuts:1.txt", b"\xef\xbb\xbf0\r\n2\r\n")
        escaped = [path.replace(":", "\\\\:") for path in (self.path("a:b.safetensors"), cuts)]
        chain = f"cdsr=model={escaped[0]}:backend=reference:shots=file:shot_file={escaped[1]},{PRINT}"
        rows = metadata_rows(self.filter_text(gradient(16, 16, 3), "16x16", chain).text)
        self.assertEqual([row["lavfi.cdsr.shot"] for row in rows], ["0", "0", "1"])
        help_text = self.ok(ffmpeg("-h", "filter=cdsr")).text
        self.assertEqual(help_text.count("a colon needs two backslashes"), 2)

    def test_wrong_options(self):
        self.fails(self.one_frame(f"{TINY}:scale=5"), r"scale")
        self.fails(self.one_frame("model=tiny:backend=abacus"), r"abacus")
        self.fails(self.one_frame(f"{TINY}:shots=file"), r"shot_file")
        self.fails(self.one_frame(f"{TINY}:shots=file:shot_file={self.folder}/none"), r"none")
        self.fails(self.one_frame(f"model={MODELS}/tiny-x2.safetensors:scale=3"), r"scale")

    def test_memory_limit(self):
        raw = gradient(512, 512, 1)
        self.fails(ffmpeg(*raw_input("512x512"), "-vf", "cdsr=model=tiny:backend=cpu:memory=1", "-f", "null", "-",
                          stdin=raw), r"memory=1 is too little for frames of 512x512.*least that works is memory=\d+")

    def test_unsupported_matrix(self):
        self.fails(ffmpeg(*raw_input("16x16"), "-vf", f"setparams=colorspace=ycgco,cdsr={TINY}", "-f", "null", "-",
                          stdin=gradient(16, 16, 1)), r"ycgco|matrix")

    def test_truncated_weights(self):
        with open(f"{MODELS}/tiny-x2.safetensors", "rb") as file:
            data = file.read()
        for size in (0, 7, 8, 100, len(data) // 2, len(data) - 1):
            name = self.write("cut.safetensors", data[:size])
            self.fails(self.one_frame(f"model={name}:backend=reference"), r"cut\.safetensors")

    def test_bit_flips_in_weights(self):
        # A flip in the header is an error or changes nothing that counts (a comment in the metadata); one in the
        # numbers is another network. Never a crash.
        with open(f"{MODELS}/tiny-x2.safetensors", "rb") as file:
            data = file.read()
        header = 8 + int.from_bytes(data[:8], "little")
        dice = random.Random(1)
        errors = 0
        for position in [dice.randrange(8) for _ in range(4)] + [dice.randrange(8, header) for _ in range(12)] + \
                [dice.randrange(header, len(data)) for _ in range(4)]:
            bad = bytearray(data)
            bad[position] ^= 1 << dice.randrange(8)
            result = self.one_frame(f"model={self.write('bad.safetensors', bytes(bad))}:backend=reference")
            if result.rc != 0:
                self.fails(result, r"bad\.safetensors")
                errors += 1
            else:
                self.assertEqual(len(frame_rows(result.text)), 1)
        self.assertGreater(errors, 8)


if __name__ == "__main__":
    unittest.main()
