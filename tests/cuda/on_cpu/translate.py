#!/usr/bin/env python3
"""A CUDA source as C++ for the stand-in (device.h), line for line.

    translate.py IN.cu OUT.cpp

Four constructs are rewritten, everything else is C++ already:

    kernel<<<grid, block, bytes, stream>>>(...)   a call of launch(), with the kernel's name
    asm volatile("..." : outputs : inputs)        a call of the instruction that the text names
    extern __shared__ T name[];                   a pointer to the block's dynamic shared memory
    __shared__ T name[N];                         a reference into the block's shared memory

What it does not understand is an error that names the line.
"""
import re
import sys

OPENING, CLOSING = "([{", ")]}"


class Unknown(Exception):
    def __init__(self, text, at, what):
        super().__init__(f"line {text.count(chr(10), 0, at) + 1}: {what}")


def closing(text, at):
    """Index behind the bracket that closes the one at `at`; strings are stepped over."""
    depth, i = 0, at
    while i < len(text):
        if text[i] == '"':
            i = re.compile(r'"(?:\\.|[^"\\])*"').match(text, i).end()
            continue
        if text[i] in OPENING:
            depth += 1
        elif text[i] in CLOSING:
            depth -= 1
            if depth == 0:
                return i + 1
        i += 1
    raise Unknown(text, at, "a bracket is not closed")


def split(text, separator):
    """Parts of `text` between separators outside brackets and strings."""
    parts, start, i = [], 0, 0
    while i < len(text):
        if text[i] == '"':
            i = re.compile(r'"(?:\\.|[^"\\])*"').match(text, i).end()
        elif text[i] in OPENING:
            i = closing(text, i)
        elif text[i] == separator:
            parts.append(text[start:i])
            i += 1
            start = i
        else:
            i += 1
    return parts + [text[start:]]


def blank(text):
    """`text` with the contents of comments as spaces: the same length and lines."""
    pattern = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.S)
    return pattern.sub(lambda m: m[0] if m[0][0] == '"' else re.sub(r"[^\n]", " ", m[0]), text)


def kernel_before(text, at):
    """Where the kernel's name, with its template arguments, begins that ends at `at`."""
    i = at
    if text[i - 1] == ">":
        depth = 0
        while True:
            i -= 1
            depth += {">": 1, "<": -1}.get(text[i], 0)
            if depth == 0:
                break
    name = re.compile(r"[\w:]+$").search(text, 0, i)
    if name is None:
        raise Unknown(text, at, "no kernel's name before <<<")
    return name.start()


def launches(text):
    while (at := text.find("<<<")) >= 0:
        begin, end = kernel_before(text, at), text.find(">>>", at)
        if end < 0 or not re.match(r"\s*\(", text[end + 3:]):
            raise Unknown(text, at, "a launch without >>>(")
        kernel = text[begin:at]
        name = " ".join(kernel.split()).replace('"', '\\"')
        text = f'{text[:begin]}::cuda_on_cpu::launch({kernel}, "{name}", {{{text[at + 3:end]}}}){text[end + 3:]}'
    return text


def operands(text, at, part, make):
    result = []
    for operand in split(part, ",") if part.strip() else []:
        m = re.fullmatch(r'\s*"([=+]?)([a-z])"\s*(\(.*\))\s*', operand, re.S)
        if m is None or m[2] not in "rlfn" or bool(m[1]) != (make == "output"):
            raise Unknown(text, at, f"operand {operand.strip()} of an instruction")
        result.append(f"::cuda_on_cpu::{make}{m[3]}")
    return result


def instructions(text):
    pattern = re.compile(r"\basm\s+volatile\s*\(")
    while m := pattern.search(text):
        end = closing(text, m.end() - 1)
        parts = split(text[m.end():end - 1], ":")
        if len(parts) > 3:
            raise Unknown(text, m.start(), "an instruction with clobbers")
        given = operands(text, m.start(), parts[1] if len(parts) > 1 else "", "output")
        given += operands(text, m.start(), parts[2] if len(parts) > 2 else "", "input")
        call = (f"[&] {{ static const ::cuda_on_cpu::Instruction instruction({parts[0].strip()}); "
                f"instruction.run({{{', '.join(given)}}}); }}()")
        call += "\n" * (text.count("\n", m.start(), end) - call.count("\n"))
        text = text[:m.start()] + call + text[end:]
    return text


def shared_memory(text):
    text = re.sub(r"\bextern\s+__shared__\s+(?:__align__\((\d+)\)\s*)?([\w:]+(?: [\w:]+)*)\s+(\w+)\[\];",
                  lambda m: f"{m[2]}* const {m[3]} = static_cast<{m[2]}*>"
                            f"(::cuda_on_cpu::dynamic_shared({m[1] or 16}));", text)
    return re.sub(r"(?<!extern )\b__shared__\s+(?:__align__\(16\)\s*)?([\w:]+(?: [\w:]+)*)\s+(\w+)((?:\[[^\]]+\])*);",
                  lambda m: f"static ::cuda_on_cpu::SharedVariable {m[2]}_slot; "
                            f"auto& {m[2]} = {m[2]}_slot.get<std::type_identity_t<{m[1]}{m[3]}>>();", text)


def translate(source):
    text = shared_memory(instructions(launches(blank(source))))
    for left in (r"<<<", r"\basm\b", r"\b__shared__\b"):
        if m := re.search(left, text):
            raise Unknown(text, m.start(), f"{m[0]} in a form that translate.py does not know")
    return text


def main():
    path, out = sys.argv[1:]
    try:
        with open(path, encoding="utf-8") as file:
            text = translate(file.read())
    except Unknown as error:
        sys.exit(f"{path}: {error}")
    with open(out, "w", encoding="utf-8") as file:
        file.write(f'#include "tests/cuda/on_cpu/device.h"\n#line 1 "{path}"\n{text}')


if __name__ == "__main__":
    main()
