"""The hosts' options against the library's table, cdsr_option_list()."""

import ctypes
import re
import unittest

from harness import EMBED, FFMPEG, LIBRARY, TINY, PluginTest, embed, gradient, run

INT, FLOAT, WORDS, TEXT, FLAG = range(5)  # cdsr_option_kind
RUNTIME, LIVE = 1, 2  # cdsr_option_flags


class Word(ctypes.Structure):
    _fields_ = [("word", ctypes.c_char_p), ("help", ctypes.c_char_p), ("value", ctypes.c_int32)]


class Option(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("help", ctypes.c_char_p), ("kind", ctypes.c_int32),
                ("flags", ctypes.c_int32), ("since", ctypes.c_uint32), ("lowest", ctypes.c_double),
                ("highest", ctypes.c_double), ("number", ctypes.c_double), ("text", ctypes.c_char_p),
                ("words", ctypes.POINTER(Word)), ("offset", ctypes.c_size_t)]


def until_null(pointer, ended):
    index = 0
    while not ended(pointer[index]):
        yield pointer[index]
        index += 1


def option_list():
    function = ctypes.CDLL(LIBRARY).cdsr_option_list
    function.restype = ctypes.POINTER(ctypes.POINTER(Option))
    return [entry.contents for entry in until_null(function(), lambda entry: not entry)]


def words(option):
    return list(until_null(option.words, lambda word: word.word is None)) if option.words else []


def ffmpeg_rows():
    """What `ffmpeg -h` prints of the table: names, types, texts, ranges and defaults; the flags of the runtime ones."""
    types = {INT: "int", FLOAT: "double", WORDS: "int", TEXT: "string", FLAG: "boolean"}
    for option in option_list():
        if option.flags & LIVE:
            continue
        name, text = option.name.decode(), option.help.decode()
        default = next((w.word.decode() for w in words(option) if w.value == option.number), f"{option.number:g}")
        row = f"{name} <{types[option.kind]}> {'T' if option.flags & RUNTIME else '.'} {text}"
        if option.kind == TEXT:
            yield row + (f' (default "{option.text.decode()}")' if option.text else "")
        elif option.kind == FLAG:
            yield f"{row} (default {'true' if option.number else 'false'})"
        else:
            yield f"{row} (from {option.lowest:g} to {option.highest:g}) (default {default})"
        for word in words(option):
            yield f"{word.word.decode()} {word.value} . {word.help.decode()}"


class Options(PluginTest):
    def test_ffmpeg_help_is_the_table(self):
        text = self.ok(run([FFMPEG, "-hide_banner", "-h", "filter=cdsr"])).text
        rows = re.findall(r"^ +(\S+) +(\S+) +([.A-Z]{11,12}) (.*)$", text.split("cdsr AVOptions:")[1], re.MULTILINE)
        self.assertEqual([f"{name} {kind} {'T' if 'T' in flags else '.'} {rest}" for name, kind, flags, rest in rows],
                         list(ffmpeg_rows()))
        self.assertIn("support for timeline", text)

    def test_embed_lists_every_option(self):
        usage = run([EMBED]).err
        for option in option_list():
            self.assertRegex(usage, rf"(?m)^ +{option.name.decode()} ")
            for word in words(option):
                self.assertRegex(usage, rf"(?m)^ +{word.word.decode()} ")

    def test_embed_modes(self):
        raw = gradient(32, 24, 1)
        plain, network, bicubic, none = (self.ok(embed("32x24", *TINY.split(":"), *settings, stdin=raw)).out
                                         for settings in ([], ["mode=sr"], ["mode=bicubic"], ["strength=0"]))
        self.assertEqual(network, plain)
        self.assertEqual(bicubic, none)
        self.assertNotEqual(network, bicubic)
        self.fails(embed("32x24", "mode=auto", stdin=raw), r"must be sr or bicubic")

    def test_embed_names_what_is_wrong(self):
        for setting, message in (("warp=9", "no option is named 'warp'"), ("precision=fp64", "fp8 or int8"),
                                 ("scale=5", r"must be 2\.\.4")):
            self.fails(embed("32x24", setting, stdin=b""), message)


if __name__ == "__main__":
    unittest.main()
