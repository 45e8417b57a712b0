#!/usr/bin/env python3
"""Whether the tests on the stand-in see faults: each mutant is the CUDA backend with one fault more.

    mutants.py BUILD [NAME...]    all of them, or those named; exit status 1 if one was not seen

A mutant's sources are compiled as BUILD compiles them, beside it, and its module is given to cuda_on_cpu_test. A
mutant that passes is a hole in the tests. Prints the table of README.md.
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
OPERATORS = "Precisions/Gpu.OperatorsEqualTheReference/fp16"
COLOUR, FRAMES = "Formats/GpuFormats.Colour*/nv12", "Formats/GpuFormats.FramesThere*/nv12"
REDONE, CONTEXT = "GpuSafety.WhatHalfPrecisionCannotHoldIsRedone", "GpuSafety.LivesInAGivenContext"
HOST_STREAM = "StandIn.FramesComeAndGoInTheHostsStream"
SHOT, LUMA = "GpuSafety.EveryShotAndSessionHasItsWeights", "Formats/GpuFormats.Luma*/nv12"
NETWORKS = "Precisions/Gpu.NetworksEqualTheReference/fp16"

# name, file that is changed, text, what replaces it, sources compiled again, the tests that must see it
MUTANTS = [
    ("no barrier before a chunk is multiplied", "model/cuda/conv.cu",
     "    __syncthreads();\n    use(memory", "    use(memory", ["conv.cu"], OPERATORS),
    ("no barrier after a chunk is multiplied", "model/cuda/conv.cu",
     "    use(memory + chunk % 2 * kStage);\n    __syncthreads();\n", "    use(memory + chunk % 2 * kStage);\n",
     ["conv.cu"], OPERATORS),
    ("one group of copies too few waited for", "model/cuda/conv.cu", "wait_copies<1>();", "wait_copies<2>();",
     ["conv.cu"], OPERATORS),
    ("the last copies not waited for", "model/cuda/conv.cu", "wait_copies<0>();", "wait_copies<1>();", ["conv.cu"],
     OPERATORS),
    ("two registers of a product exchanged", "model/cuda/conv.cu",
     "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}",
     "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %6, %5, %7}", ["conv.cu"], OPERATORS),
    ("shared memory not asked for", "model/cuda/conv.cu",  # of those that are listed, these alone take more than 48 KiB
     "    allow(conv_kernel<T, T, 64>, ConvMemory<9, 64>::kBytes);\n", "", ["conv.cu"], OPERATORS),
    ("shared memory of one stage alone", "model/cuda/conv_tile.h", "kBytes = 2 * kStage;", "kBytes = kStage;",
     ["conv.cu"], OPERATORS),
    ("halo one pixel to the right", "model/cuda/conv_tile.h",
     "const int x = tile_x * kTile + pixel % kHalo - 1, y = tile_y * kTile + pixel / kHalo - 1;\n  Copy",
     "const int x = tile_x * kTile + pixel % kHalo, y = tile_y * kTile + pixel / kHalo - 1;\n  Copy", ["conv.cu"],
     OPERATORS),
    ("halo read beyond the last row", "model/cuda/conv_tile.h", "y >= 0 && y < a.height)", "y >= 0)", ["conv.cu"],
     OPERATORS),
    ("output's stride taken for the input's", "model/cuda/conv.cu", "at * a.out_pitch + c)",
     "at * a.in_pitch + c)", ["conv.cu"], OPERATORS),
    ("residual of a pixel further", "model/cuda/conv.cu", "two_of(a.first, at, a.first_pitch",
     "two_of(a.first, at + 1, a.first_pitch", ["conv.cu"], OPERATORS),
    ("edges padded with the nearest pixel", "model/cuda/head_tile.h",
     "if (x >= 0 && x < width && y >= 0 && y < height) pixel(x, y, values);",
     "pixel(x < 0 ? 0 : x < width ? x : width - 1, y < 0 ? 0 : y < height ? y : height - 1, values);",
     ["head.cu", "frame_head.cu"],
     FRAMES.replace("FramesThere*/nv12", "*") + ":" + NETWORKS),
    ("no barrier in the colour kernel", "filter/cuda/color.cu", "  __syncthreads();\n  color::tile_halve_columns",
     "  color::tile_halve_columns", ["color.cu"], FRAMES),
    ("statistic's cells one column short", "filter/cuda/color.cu", "cells[cy * columns + cx]", "cells[cy * (columns - 1) + cx]",
     ["color.cu"], COLOUR),
    ("memory allocated in a capture", "model/cuda/engine.cpp",
     "  RunMemory memory = r_->memory(width_, height_, values_pitch());\n  memory.measured",
     "  const DeviceBuffer unused(4);\n  RunMemory memory = r_->memory(width_, height_, values_pitch());\n"
     "  memory.measured", ["engine.cpp"], REDONE),
    ("wait in a capture", "model/cuda/engine.cpp", "  r_->runner->run(memory, r_->states, bands_, means(), stream);",
     "  r_->runner->run(memory, r_->states, bands_, means(), stream);\n  cudaStreamSynchronize(stream);",
     ["engine.cpp"], REDONE),
    ("a capture that other threads break", "model/cuda/graph.cpp", "cudaStreamCaptureModeThreadLocal",
     "cudaStreamCaptureModeGlobal", ["graph.cpp"], REDONE),
    ("condition without its default", "model/cuda/graph.cpp", "0, cudaGraphCondAssignDefault", "0, 0", ["graph.cpp"],
     REDONE),
    ("result not waited for", "model/cuda/engine.cpp", '  r_->stream.synchronize("a frame");\n', "", ["engine.cpp"],
     REDONE),
    ("frame's stream not waited for", "filter/cuda/frame_engine.cpp", "    stream.wait_for(frames);\n", "",
     ["frame_engine.cpp"], HOST_STREAM),
    ("output's stream not held", "filter/cuda/frame_engine.cpp", "{ stream.hold(frames); }", "{ static_cast<void>(stream); }",
     ["frame_engine.cpp"], HOST_STREAM),
    ("a kernel in no context of its own", "model/cuda/engine.cpp",
     "  const Context::Scope scope(*context_);\n  load(frame);\n  csc_", "  load(frame);\n  csc_",
     ["engine.cpp"], CONTEXT),
    ("kernels not loaded before a capture", "model/cuda/pixel.cu",
     "reinterpret_cast<const void*>(condition_kernel), ", "", ["pixel.cu"], REDONE),
    ("a shot's weights not mixed", "model/cuda/engine.cpp", "runner->mix(conditioner_.shares(), r_->stream)",
     "static_cast<void>(runner)", ["engine.cpp"], SHOT),
    ("the redone frame's weights not mixed", "model/cuda/engine.cpp", "{r_->runner.get(), r_->redo.get()}",
     "{r_->runner.get()}", ["engine.cpp"], "GpuSafety.MixedWeights*"),
    ("a convolution takes its neighbour's shares", "model/cuda/mixed_weights.cpp", "&shares[part.layer * sets_of_layer_]",
     "&shares[(part.layer / 2) * sets_of_layer_]", ["mixed_weights.cpp"], NETWORKS),
    ("one expert left out", "model/cuda/pixel_math.h", "for (int k = 0; k < experts; ++k)",
     "for (int k = 1; k < experts; ++k)", ["pixel.cu"], NETWORKS),
    ("skip added after the LeakyReLU", "model/cuda/conv_tile.h", "return leaky(v, a.sum_slope);", "return v;",
     ["conv.cu"], NETWORKS),
    ("first layer of a stack without LeakyReLU", "model/cuda/runner.cpp",
     "if (r.config_.body == Body::Stack) a.slope = kFuseSlope;", "", ["runner.cpp"], NETWORKS),
    ("luma clipped on its way in", "filter/cuda/color_math.h",
     "if (f.model != ColorModel::Rgb) return load_nominal(f, 0, x, y);",
     "if (f.model != ColorModel::Rgb) return clip01(load_nominal(f, 0, x, y));",
     ["color.cu", "frame_head.cu"], LUMA),
    ("strength without effect on luma", "filter/cuda/color_math.h",
     "if (out.strength < 1) {\n      float base = 0;", "if (false) {\n      float base = 0;", ["color.cu"], LUMA),
]


def run(command, **options):
    return subprocess.run(command, shell=isinstance(command, str), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)


class Build:
    def __init__(self, folder):
        self.folder = os.path.abspath(folder)
        with open(os.path.join(self.folder, "compile_commands.json"), encoding="utf-8") as file:
            self.commands = json.load(file)
        link = run(["ninja", "-C", self.folder, "-t", "commands", "-s", "lib/cuda_on_cpu/libcdsr_cuda.so"]).stdout
        self.link = link.strip().splitlines()[-1]

    def entry(self, source):
        """How a source is compiled for the module, and its object: translated, or as for the GPU."""
        name = "/" + (source.replace(".cu", "_cu.cpp") if source.endswith(".cu") else "cuda/" + source)
        for command in self.commands:
            words = shlex.split(command["command"])
            target = words[words.index("-o") + 1]
            if command["file"].endswith(name) and f" {target} " in self.link:
                return command["directory"], words, target
        raise LookupError(source)

    @staticmethod
    def original(source):
        frames = os.path.join(ROOT, "filter", "cuda", source)
        return frames if os.path.exists(frames) else os.path.join(ROOT, "model", "cuda", source)


def source_of(mutant):
    """The file that a mutant changes, before it does."""
    name, path, text = mutant[:3]
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        before = file.read()
    if text not in before:
        sys.exit(f"mutant '{name}': its text is not in {path}")
    return before


def module_of(build, mutant, folder):
    """Compiles and links a mutant; the module's path."""
    name, path, text, other, sources, _ = mutant
    before = source_of(mutant)
    changed = os.path.join(folder, path)
    os.makedirs(os.path.dirname(changed), exist_ok=True)
    with open(changed, "w", encoding="utf-8") as file:
        file.write(before.replace(text, other))
    link = build.link
    for source in sources:
        directory, words, before_target = build.entry(source)
        file = os.path.join(folder, path) if path.endswith(source) else Build.original(source)
        if source.endswith(".cu"):
            translated = os.path.join(folder, source + ".cpp")
            done = run([sys.executable, os.path.join(HERE, "translate.py"), file, translated])
            if done.returncode != 0:
                sys.exit(done.stdout)
            file = translated
        target = os.path.join(folder, source + ".o")
        words[words.index("-o") + 1] = target
        words[words.index("-c") + 1] = file
        compiler = next(i for i, word in enumerate(words) if not word.endswith("ccache"))
        # Changed headers before the project's own; warnings are not what is looked for, compiling fast is.
        words = [words[compiler], f"-I{folder}", *("-O1" if w == "-O3" else w for w in words[compiler + 1:])]
        words = [w for w in words if w != "-Werror"]
        done = run(words, cwd=directory)
        if done.returncode != 0:
            sys.exit(f"mutant '{name}' does not compile:\n{done.stdout}")
        link = link.replace(f" {before_target} ", f" {target} ")
    module = os.path.join(folder, "libcdsr_cuda.so")
    link = re.sub(r"-o \S+", f"-o {module}", link)
    done = run(link, cwd=build.folder)
    if done.returncode != 0:
        sys.exit(f"mutant '{name}' does not link:\n{done.stdout}")
    return module


def test(build, module, tests):
    """What the tests say of a module: None if nothing, else the first complaint."""
    environment = dict(os.environ, CDSR_CUDA_MODULE=module, CDSR_CUDNN="off")
    done = run([os.path.join(build.folder, "bin", "cuda_on_cpu_test"), f"--gtest_filter={tests}"], env=environment,
               timeout=1200)
    if done.returncode == 0:
        return None if " 0 tests" not in done.stdout else sys.exit(f"no test is called {tests}")
    complaint = re.search(r"\[cuda_on_cpu\] (?:fault|fatal): (.*)", done.stdout)
    return complaint[1] if complaint else "wrong values"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    build, missed = Build(sys.argv[1]), 0
    for mutant in MUTANTS:
        source_of(mutant)  # before the first of them takes its time
    print("| mutant | seen by | as |\n|---|---|---|")
    for mutant in MUTANTS:
        if len(sys.argv) > 2 and mutant[0] not in sys.argv[2:]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            seen = test(build, module_of(build, mutant, folder), mutant[5])
        tests = ", ".join(f"`{t.split('.', 1)[-1]}`" for t in mutant[5].split(":"))
        print(f"| {mutant[0]} | {tests} | {seen or '**not seen**'} |", flush=True)
        missed += seen is None
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
