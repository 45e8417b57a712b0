"""The arithmetic of samples/compare.py on pictures whose scores are known."""

import importlib.util
import pathlib
import sys
import unittest

try:
    import numpy as np
except ImportError:
    print("skipped: no NumPy (tools/dev/setup/install.sh compare)")
    sys.exit(77)

path = pathlib.Path(__file__).resolve().parents[2] / "samples" / "compare.py"
spec = importlib.util.spec_from_file_location("compare", path)
compare = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compare)


class Overshoot(unittest.TestCase):
    def setUp(self):
        self.step = np.zeros((20, 30), np.uint8)
        self.step[:, 15:] = 100

    def test_an_edge_moved_by_a_pixel_is_none(self):
        self.assertEqual(compare.luma_overshoot(np.roll(self.step, 1, axis=1)[:, 1:], self.step[:, 1:]), 0)

    def test_a_halo_counts_above_its_limit(self):
        image = self.step.copy()
        image[:, 17] = 104
        self.assertEqual(compare.luma_overshoot(image, self.step), 0)
        image[:, 17] = 105
        self.assertAlmostEqual(compare.luma_overshoot(image, self.step), 100 / 30)


class Flicker(unittest.TestCase):
    def test_counts_where_the_reference_stands_still(self):
        still = np.full((2, 4, 4), 50, np.uint8)
        still[1, :2] = 90  # moves: not counted
        frames = still.copy()
        frames[1, 2:] += 3
        frames[1, :2] = 0
        self.assertAlmostEqual(compare.still_flicker(frames, still), 3)
        self.assertEqual(compare.still_flicker(still, still), 0)

    def test_of_one_frame_is_unknown(self):
        self.assertIsNone(compare.still_flicker(np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.uint8)))


class Page(unittest.TestCase):
    def test_the_busiest_place_is_found(self):
        picture = np.zeros((100, 160), np.uint8)
        picture[40:72:2, 96:128] = 200
        x, y = compare.busiest_place(picture, 32)
        self.assertTrue(88 <= x <= 104 and 32 <= y <= 48, (x, y))

    def test_the_table_has_means_over_the_clips(self):
        rows = [{"clip": c, "crf": 23, "method": "a/m.safetensors@strength=0.5", "scores": {"psnr": p, "flicker": None}}
                for c, p in (("one", 30.0), ("two", 32.0))]
        rows.append({"clip": "one", "crf": 23, "method": "original", "scores": {}})
        self.assertEqual(compare.table(rows, ["psnr", "flicker"]).splitlines()[2:],
                         ["| 23 | m strength=0.5 | 31.00 |  |"])


if __name__ == "__main__":
    unittest.main()
