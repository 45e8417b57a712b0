#!/usr/bin/env bash
# Every test of the CUDA backend on the stand-in for a GPU: in all orders of threads, with work run late and at once,
# and for a GPU that lacks some instructions; then the mutants.
#
#   tests/cuda/on_cpu/run_all.sh BUILD
set -uo pipefail
[[ $# -eq 1 ]] || {
  sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
folder=$(cd "$(dirname "$0")" && pwd)
failed=0
run() { # SETTINGS...
  echo "== $*"
  env "$@" "$build/bin/cuda_on_cpu_test" --gtest_brief=1 || failed=1
}
build=$1
cmake --build "$build" --target cuda_on_cpu_test cuda_on_cpu_stand_in_test || exit 1
"$build/bin/cuda_on_cpu_stand_in_test" --gtest_brief=1 || failed=1
for order in warps ascending descending random; do run CUDA_ON_CPU_ORDER=$order; done
run CUDA_ON_CPU_EAGER=1
python3 "$folder/mutants.py" "$build" || failed=1
exit "$failed"
