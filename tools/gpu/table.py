"""bench.json and torch.json side by side, as the table for model/cuda/RESULTS.md."""

import json
import sys


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.startswith("{")]


def main():
    ours, theirs = lines(sys.argv[1]), lines(sys.argv[2])
    rate = next(line["matrix_tflops"] for line in theirs if "matrix_tflops" in line)
    copies = next(line["copy_bytes_per_second"] for line in ours if "copy_bytes_per_second" in line)
    torch = {(line["network"], line["size"]): line for line in theirs if "network" in line}
    print(f"bf16 matrix product {rate:.0f} TFLOP/s, copies {copies * 1e-12:.2f} TB/s (read plus write)\n")
    print("| network | input | precision | ms | fps | TFLOP/s | of the matrix rate | colour ms | eager ms | compiled ms |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for line in ours:
        if "network" not in line:
            continue
        other = torch.get((line["network"], line["size"]), {})
        times = [f"{other[key]:.2f}" if key in other else "" for key in ("eager_ms", "compiled_ms")]
        print(f"| {line['network']} | {line['size']} | {line['precision']} | {line['ms']:.2f} | {line['fps']:.0f} "
              f"| {line['tflops']:.0f} | {line['tflops'] / rate:.1%} | {line['colour_ms']:.3f} | {times[0]} | {times[1]} |")


if __name__ == "__main__":
    main()
