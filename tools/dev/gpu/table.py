"""bench.json, torch.json and bench_first.json (own kernels) side by side, as far as they are there: RESULTS.md's table."""

import json
import os
import sys


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.startswith("{") and line.endswith("}\n")]


def main():
    ours, theirs, own = (lines(path) for path in sys.argv[1:4])
    rate = next((line["matrix_tflops"] for line in theirs if "matrix_tflops" in line), None)
    copies = next((line["copy_bytes_per_second"] for line in ours + own if "copy_bytes_per_second" in line), None)
    torch = {(line["network"], line["size"]): line for line in theirs if "network" in line}
    without = {(line["network"], line["size"], line["precision"]): line for line in own if "network" in line}
    if rate is not None:
        print(f"bf16 matrix product {rate:.0f} TFLOP/s (8192 x 8192 x 8192, random data). ", end="")
    if copies is not None:
        print(f"Copies {copies * 1e-12:.2f} TB/s, read plus write.\n")
    if not any("network" in line for line in ours + own):
        return
    print("| network | input | precision | ms | fps | TFLOP/s | of the matrix rate | own kernels ms | colour ms "
          "| eager ms | compiled ms |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    known = {(line["network"], line["size"], line["precision"]) for line in ours if "network" in line}
    for line in ours + [line for key, line in without.items() if key not in known]:
        if "network" not in line:
            continue
        other = torch.get((line["network"], line["size"]), {})
        alone = without.get((line["network"], line["size"], line["precision"]), {})
        share = f"{line['tflops'] / rate:.1%}" if rate is not None else ""
        times = [f"{other[key]:.2f}" if key in other else "" for key in ("eager_ms", "compiled_ms")]
        print(f"| {line['network']} | {line['size']} | {line['precision']} | {line['ms']:.2f} | {line['fps']:.0f} "
              f"| {line['tflops']:.0f} | {share} | {alone.get('ms', float('nan')):.2f} | {line['colour_ms']:.3f} "
              f"| {times[0]} | {times[1]} |")


if __name__ == "__main__":
    main()
