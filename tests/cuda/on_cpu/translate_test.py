#!/usr/bin/env python3
"""translate.py: what it writes for each construct, that lines stay, and what it refuses."""
import sys

sys.dont_write_bytecode = True

sys.path.insert(0, sys.argv[1])
import translate  # noqa: E402

CASES = [
    ("k<<<1, 2>>>(x);", '::cuda_on_cpu::launch(k, "k", {1, 2})(x);'),
    ("f::k<T, G<int>><<<dim3(a, b),\n  c>>>(x, y);",
     '::cuda_on_cpu::launch(f::k<T, G<int>>, "f::k<T, G<int>>", {dim3(a, b),\n  c})(x, y);'),
    ('asm volatile("a %0, %1;" : "=r"(x[0])\n : "l"(p ? q : r), "n"(k));',
     '[&] { static const ::cuda_on_cpu::Instruction instruction("a %0, %1;"); '
     "instruction.run({::cuda_on_cpu::output(x[0]), ::cuda_on_cpu::input(p ? q : r), ::cuda_on_cpu::input(k)}); }()\n;"),
    ('asm volatile("w %0;" ::"n"(3));',
     '[&] { static const ::cuda_on_cpu::Instruction instruction("w %0;"); '
     "instruction.run({::cuda_on_cpu::input(3)}); }();"),
    ("extern __shared__ __align__(128) unsigned char m[];",
     "unsigned char* const m = static_cast<unsigned char*>(::cuda_on_cpu::dynamic_shared(128));"),
    ("__shared__ float m[8][N + 1];",
     "static ::cuda_on_cpu::SharedVariable m_slot; "
     "auto& m = m_slot.get<std::type_identity_t<float[8][N + 1]>>();"),
    ("a(); // k<<<1, 2>>>(x)", "a();                  "),
    ('f("asm <<<");', None),  # in a string: not understood, so refused
]
REFUSED = ["<<<1, 2>>>(x);", "k<<<1, 2>>>;", "k<<<1, 2(x);", 'asm("x");', 'asm volatile("x" : : : "memory");',
           'asm volatile("x" : "=h"(y));', 'asm volatile("x" : "r"(y));', 'asm volatile("x" : "=r"(y;',
           "__shared__ float a, b;", "extern __shared__ float a[4];"]


def refuses(source):
    try:
        translate.translate("\n" + source)
    except translate.Unknown as error:
        return str(error).startswith("line 2: ")
    return False


bad = 0
for source, want in CASES:
    if want is None:
        if not refuses(source):
            print(f"not refused: {source}")
            bad += 1
        continue
    got = translate.translate(source)
    if got != want or got.count("\n") != source.count("\n"):
        print(f"{source}\n  gives {got}\n  not   {want}")
        bad += 1
for source in REFUSED:
    if not refuses(source):
        print(f"not refused: {source}")
        bad += 1
print(f"{len(CASES) + len(REFUSED)} cases, {bad} bad")
sys.exit(bad > 0)
