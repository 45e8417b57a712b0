#!/usr/bin/env bash
# Everything that a GPU is needed for, in one call of under nine minutes. Results are files in OUT.
#
#   tools/gpu/check.sh            build, host tests; with a GPU: tests, compute-sanitizer, speed, PyTorch beside it
#   tools/gpu/check.sh carry      fill .gpu/ with what an offline machine lacks (GoogleTest, fmt, JSON, CLI headers)
#
# OUT     where results go (default out/gpu): host.txt, resources.txt, matrix.txt, gpu.txt, memcheck.txt,
#         racecheck.txt, bench.json, torch.json, table.txt, summary.txt
# JOBS    compiler processes (default: one for each processor)
# BUILD   build folder (default build-gpu)
#
# Without a GPU it stops before the first CUDA call and says so; everything up to there must pass.
# shellcheck disable=SC2317  # functions are called through step
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit 1
out=${OUT:-$root/out/gpu}
build=${BUILD:-$root/build-gpu}
jobs=${JOBS:-$(nproc)}
failed=0

if [[ ${1:-} == carry ]]; then
  rm -rf .gpu
  library=lib/$(gcc -print-multiarch) # as Debian has it: the packages find themselves by it
  mkdir -p .gpu/include ".gpu/$library/cmake"
  cp -r /usr/include/{gtest,gmock,fmt,nlohmann,CLI} .gpu/include/ || exit 1
  cp -r "/usr/$library"/cmake/{GTest,fmt} ".gpu/$library/cmake/"
  cp -P "/usr/$library"/libg{test,mock}*.a "/usr/$library"/libfmt* ".gpu/$library/"
  for package in nlohmann_json CLI11; do
    config=$(find /usr/share /usr/lib -name "${package}Config.cmake" -print -quit)
    mkdir -p ".gpu/$(dirname "$(dirname "${config#/usr/}")")"
    cp -r "$(dirname "$config")" ".gpu/$(dirname "$(dirname "${config#/usr/}")")/"
  done
  du -sh .gpu
  exit 0
fi

mkdir -p "$out"
: >"$out/summary.txt"
say() { echo "$*" | tee -a "$out/summary.txt"; }
# step NAME FILE COMMAND...: its output goes to the file, its verdict to the summary.
step() {
  local name=$1 file=$2 started=$SECONDS
  shift 2
  if "$@" >"$out/$file" 2>&1; then
    say "passed  $name ($((SECONDS - started)) s)"
  else
    say "FAILED  $name ($((SECONDS - started)) s), see $file"
    tail -n 15 "$out/$file"
    failed=1
  fi
}

prefix=()
[[ ! -d .gpu ]] || prefix=("-DCMAKE_PREFIX_PATH=$root/.gpu")
configure() {
  cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCDSR_TORCH=OFF -DCDSR_GST=OFF -DCDSR_FFMPEG=OFF \
    -DCDSR_CUDA_ARCHITECTURES="${ARCHITECTURES:-90}" "${prefix[@]}"
}
targets=(cdsr_cuda cuda_color_test cuda_kernels_test cuda_module_test cuda_gpu_test cuda_gpu_bench)
compile() { cmake --build "$build" --parallel "$jobs" --target "${targets[@]}"; }
host_tests() {
  local test bad=0
  for test in cuda_color_test cuda_kernels_test cuda_module_test; do "$build/bin/$test" || bad=1; done
  return "$bad"
}
# Registers and spills of every kernel; fails if one has a stack.
resources() {
  cuobjdump --dump-resource-usage "$build/lib/libcdsr_cuda.so" | tee "$out/resources.all" | grep -cE 'REG:' &&
    ! grep -E 'STACK:[1-9]' "$out/resources.all"
}
# The matrix instructions that were meant are in the binary.
matrix() {
  cuobjdump --dump-sass "$build/lib/libcdsr_cuda.so" >"$out/sass" || return 1
  grep -oE 'HMMA\.16816\.F32(\.BF16)?' "$out/sass" | sort | uniq -c
  local found=0
  grep -qE 'HMMA\.16816\.F32 ' "$out/sass" && grep -qE 'HMMA\.16816\.F32\.BF16' "$out/sass" &&
    grep -qE 'LDGSTS' "$out/sass" && found=1
  rm -f "$out/sass"
  [[ $found -eq 1 ]]
}

step "configure" configure.txt configure
step "build" build.txt compile
step "host tests of the kernels" host.txt host_tests
if command -v cuobjdump >/dev/null; then
  step "resources: no kernel has a stack or spills" resources.txt resources
  step "matrix instructions" matrix.txt matrix
else
  say "left out  resources, matrix instructions: no cuobjdump here"
fi

# The first CUDA call. The loader's word, not nvidia-smi's: the library decides whether cdsr has a GPU.
if ! ldconfig -p | grep -q 'libcuda\.so\.1' && [[ ! -e /usr/lib/x86_64-linux-gnu/libcuda.so.1 ]]; then
  say "no GPU: everything up to the first CUDA call is done, nothing after it was tried"
  exit "$failed"
fi
nvidia-smi >"$out/nvidia-smi.txt" 2>&1

step "every operator, network and frame on the GPU" gpu.txt "$build/bin/cuda_gpu_test"
grep -q SKIPPED "$out/gpu.txt" && say "FAILED  tests were skipped although there is a driver" && failed=1
if command -v compute-sanitizer >/dev/null; then
  step "compute-sanitizer memcheck" memcheck.txt timeout 150 compute-sanitizer --error-exitcode 9 \
    "$build/bin/cuda_gpu_test" --gtest_filter="*nv12*:*Operators*fp16*:GpuSafety.WhatHalf*"
  step "compute-sanitizer racecheck" racecheck.txt timeout 120 compute-sanitizer --tool racecheck \
    --error-exitcode 9 "$build/bin/cuda_gpu_test" --gtest_filter="*Operators*fp16*:*nv12*"
fi
step "speed" bench.json "$build/bin/cuda_gpu_bench"
if python3 -c 'import torch' 2>/dev/null; then
  step "the same networks in PyTorch" torch.json timeout 150 python3 tools/gpu/torch_baseline.py
  step "table" table.txt python3 tools/gpu/table.py "$out/bench.json" "$out/torch.json"
  cat "$out/table.txt"
fi
exit "$failed"
