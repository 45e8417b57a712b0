"""Writes golden/: run it after a change that is meant to change the output, and look at the difference.

  CDSR_FFMPEG=build/ffmpeg/bin/ffmpeg CDSR_MODEL_PATH=build/tests/plugins/weights python3 tests/plugins/make_golden.py
"""

import os

from harness import GOLDEN, TINY, ffmpeg, golden_input, raw_input

if __name__ == "__main__":
    out = ffmpeg(*raw_input("24x16"), "-vf", f"cdsr={TINY}:precision=fp32:shots=off:chroma=sr", "-f", "rawvideo", "-",
                 stdin=golden_input()).out
    with open(os.path.join(GOLDEN, "ffmpeg_tiny_x2_yuv420p.txt"), "w", encoding="ascii") as file:
        file.write("# 48x32 yuv420p, three frames; made by make_golden.py\n")
        for at in range(0, len(out), 48):
            file.write(out[at:at + 48].hex() + "\n")
