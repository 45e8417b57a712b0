"""Two passes over a film, in FFmpeg: pass=1 and pass=2 of vf_cdsr.c, and the file between them."""

import json
import os
import unittest

from harness import TINY, PluginTest, ffmpeg, gradient, raw_input

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../filter/film/film.schema.json")
RELEASED = os.path.join(os.path.dirname(SCHEMA), "../../model/weights/cdsr-rt-x2.safetensors")
SIZE = "64x48"
FRAME = 128 * 96 * 3 // 2  # bytes of a picture


def film(frames=(4, 3, 4)):
    """A shot for each number of frames."""
    return b"".join(gradient(64, 48, n, seed=3 * i) for i, n in enumerate(frames))


def breaches(value, schema, at="film", root=None):
    """What of a value its JSON schema does not allow; knows the words that ours uses."""
    root = root or schema
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
    kind = kinds.get(schema.get("type"), object)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool and kind is not object):
        return [f"{at}: no {schema['type']}"]
    found = []
    if value != schema.get("const", value) or value not in schema.get("enum", [value]):
        found.append(f"{at}: {value}")
    if isinstance(value, (int, float)) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{at}: {value} out of range")
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{at}: {len(value)} items")
        for i, item in enumerate(value):
            found += breaches(item, schema["items"], f"{at}[{i}]", root)
    if isinstance(value, dict):
        found += [f"{at}: no {name}" for name in schema["required"] if name not in value]
        for name, member in value.items():
            found += breaches(member, schema["properties"][name], f"{at}.{name}", root) \
                if name in schema["properties"] else [f"{at}: {name} is not described"]
    return found


class Film(PluginTest):
    def first_pass(self, raw, options="", arguments=()):
        self.stats = self.path("film.json")
        return ffmpeg(*raw_input(SIZE), "-vf", f"cdsr={TINY}:pass=1:stats={self.stats}{options}", *arguments,
                      "-f", "rawvideo", "-", stdin=raw)

    def second_pass(self, raw, size=SIZE, options=""):
        return ffmpeg(*raw_input(size), "-vf", f"cdsr={TINY}:pass=2:stats={self.stats}{options}", "-f", "rawvideo",
                      "-", stdin=raw)

    def read(self):
        with open(self.stats, encoding="utf-8") as file:
            return json.load(file)

    def edit(self, shot, **members):
        value = self.read()
        value["shots"][shot].update(members)
        self.write("film.json", json.dumps(value).encode())

    def test_the_file_is_as_its_schema_says(self):
        self.ok(self.first_pass(film()))
        with open(SCHEMA, encoding="utf-8") as file:
            schema = json.load(file)
        value = self.read()
        self.assertEqual(breaches(value, schema), [])
        self.assertEqual([shot["frames"] for shot in value["shots"]], [[[0, 3]], [[4, 6]], [[7, 10]]])
        self.assertEqual([round(shot["time"], 6) for shot in value["shots"]], [0, 0.16, 0.28])
        self.edit(1, strength=0.5, skip=False, like=0, lock=True)
        self.assertEqual(breaches(self.read(), schema), [])
        self.edit(1, strength=2)
        self.assertNotEqual(breaches(self.read(), schema), [])

    def test_shots_say_how_they_were_degraded(self):
        self.stats = self.path("film.json")
        self.ok(ffmpeg(*raw_input(SIZE), "-vf", f"cdsr=model={RELEASED}:pass=1:stats={self.stats}", "-f", "null", "-",
                       stdin=film()))
        with open(SCHEMA, encoding="utf-8") as file:
            schema = json.load(file)
        value = self.read()
        self.assertEqual(breaches(value, schema), [])
        for shot in value["shots"]:
            for look in shot["looks"]:
                self.assertIn("QP" if look["reading"]["coding"]["codec"] != "none" else "not compressed",
                              look["reading"]["words"])
        value["shots"][0]["looks"][0]["reading"]["coding"]["confidence"] = 1.5
        self.assertNotEqual(breaches(value, schema), [])

    def test_two_passes_are_one(self):
        raw = film()
        one = self.upscale(raw, SIZE)
        first = self.ok(self.first_pass(raw)).out
        self.assertEqual(first, self.upscale(raw, SIZE, ":strength=0"))
        self.assertEqual(self.ok(self.second_pass(raw)).out, one)

    def test_an_edit_acts_on_its_shot_alone(self):
        raw = film()
        one, none = self.upscale(raw, SIZE), self.upscale(raw, SIZE, ":strength=0")
        for members in ({"skip": True}, {"strength": 0}):
            self.ok(self.first_pass(raw))
            self.edit(1, **members)
            got = self.ok(self.second_pass(raw)).out
            self.assertEqual(got[:4 * FRAME], one[:4 * FRAME])
            self.assertEqual(got[4 * FRAME:7 * FRAME], none[4 * FRAME:7 * FRAME])
            self.assertEqual(got[7 * FRAME:], one[7 * FRAME:])

    def test_output_that_ends_early(self):
        self.ok(self.first_pass(film(), arguments=("-frames:v", "5")))
        self.assertGreaterEqual(self.read()["frames"], 5)

    def test_another_film(self):
        self.ok(self.first_pass(film()))
        self.fails(self.second_pass(film((4, 3, 5))), r"frame 11: .*film\.json is of 11 frames")
        self.fails(self.second_pass(film((4, 3))), r"the film ended after 7 frames, .*film\.json is of 11")
        self.fails(self.second_pass(gradient(32, 24, 3), "32x24"), r"frame 0 is 32x24, .*film\.json is of 64x48")
        self.fails(self.second_pass(film(), options=":scale=3"), r"made with model tiny x2")

    def test_files_that_are_none(self):
        self.fails(self.first_pass(film(), ":stats="), r"option stats: must not be empty with pass = 1")
        self.stats = self.path("none.json")
        self.fails(self.second_pass(film()), r"none\.json")
        self.stats = self.write("letter.json", b"{\"dear\": \"reader\"}")
        self.fails(self.second_pass(film()), r"letter\.json: ")
        with self.subTest("a first pass overwrites films alone"):
            self.write("film.json", b"a letter")
            self.fails(self.first_pass(film()), r"film\.json: no film file")
            with open(self.stats, "rb") as file:
                self.assertEqual(file.read(), b"a letter")

    def test_a_file_that_cannot_be_written(self):
        result = self.first_pass(film(), f":stats={self.path('nowhere/film.json')}")
        self.fails(result, r"nowhere/film\.json")


if __name__ == "__main__":
    unittest.main()
