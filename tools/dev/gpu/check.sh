#!/usr/bin/env bash
# Everything that a GPU is needed for, in the order that finds out most first. Results are files in OUT, and
# OUT/RESULTS.md is model/cuda/RESULTS.md of this machine.
#
#   tools/dev/gpu/check.sh [PART...]  all of them, or those named, in the order in which they are named
#   tools/dev/gpu/check.sh carry [B]  fill .gpu/ with what an offline machine lacks: headers, GoogleTest, a small FFmpeg
#                                 (for the libcdsr of build folder B, default: any), a clip, pictures
#
#   build     configure and build what the next parts need
#   correct   operators and networks in fp16 and bf16 against the reference, own kernels
#   fast      cdsr-rt, cdsr-10 and cdsr-rt-dqa at 960x540, own kernels: milliseconds a frame
#   hosts     FFmpeg: the filter, NVDEC, NVENC; copies to and from the GPU counted; the picture against the CPU's
#   careful   compute-sanitizer
#   cudnn     the same networks with cuDNN's plans, and the other sizes
#   host      tests of the kernels' arithmetic, registers and spills, matrix instructions: no CUDA call
#   rest      fp32, fp8, bands, frames, contexts, the suite of every backend
#   compare   the same networks in PyTorch
#   train     a few steps of `cdsr train` on the GPU
#
# OUT        where results go (default out/gpu)
# LIMIT      seconds this call may take (default 540, for a meeting of ten minutes); the steps' own limits are in
#            proportion. What does not fit is left out, and said
# JOBS       compiler processes (default: one for each processor)
# BUILD      build folder (default build-gpu)
# FFMPEG     ffmpeg with the filter and CUDA (default: the one in .gpu)
# CDSR_GPU_DRY=1   as if there were no GPU: parts that need one are left out
# REHEARSE=folder  a build folder whose stand-in for a GPU (tests/cuda/on_cpu) runs everything, on small pictures: what
#                  is slow is cut off as it would be on a GPU that is (tests/cuda/on_cpu/rehearse.sh)
#
# Parts build on each other's files: `build` first. Steps that tell most come first, each under its own limit, and
# RESULTS.md is written before and after every step: a call that is killed leaves what it has found.
# The exit status is 1 when a step failed or was cut off, 0 otherwise.
# shellcheck disable=SC2317  # functions are called through step
set -uo pipefail
self=$(realpath "${BASH_SOURCE[0]}")
root=$(cd "$(dirname "$self")/../../.." && pwd)
cd "$root" || exit 1
export OUT=${OUT:-$root/out/gpu} BUILD=${BUILD:-$root/build-gpu} JOBS=${JOBS:-$(nproc)}
limit=${LIMIT:-540}
ffmpeg=${FFMPEG:-$root/.gpu/ffmpeg/bin/ffmpeg}
gpu_test=cuda_gpu_test gpu_bench=cuda_gpu_bench
sizes=(960x540 1280x720 1920x1080) film=320x180
if [[ -n ${REHEARSE:-} ]]; then
  BUILD=$(cd "$REHEARSE" && pwd) || exit 1
  gpu_test=cuda_on_cpu_test gpu_bench=cuda_on_cpu_bench
  sizes=(16x16 32x18 48x32) film=64x48
  export CDSR_CUDA_MODULE=$BUILD/lib/cuda_on_cpu/libcdsr_cuda.so
  export LD_LIBRARY_PATH=$BUILD/lib/cuda_on_cpu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
failed=0

# ------------------------------------------------------------------------------------------------------- results
say() { echo "$*" | tee -a "$OUT/summary.txt"; }
row() { echo "| $1 | $2 | $3 |" >>"$OUT/rows.txt"; } # step, verdict, seconds

# How many of a GoogleTest program's tests came to an end, for what is cut off.
tests_so_far() {
  ! grep -q '^\[ RUN ' "$1" || echo ", $(grep -c '^\[       OK' "$1") tests passed until then"
}
running= # the step's process group
end_running() {
  [[ -z $running ]] || kill -KILL -- "-$running" 2>/dev/null
  running=
}
# step FUNCTION SECONDS FILE WHAT: runs step_FUNCTION in a process of its own under its limit and the call's.
step() {
  local function=$1 most=$(($2 * limit / 540)) file=$3 what=$4 started=$SECONDS left=$((limit - SECONDS)) status
  if ((left * 36 < limit)); then
    say "left out  $what: no time, $SECONDS of $limit s are over"
    row "$what" "left out, no time" ""
    results
    return 1
  fi
  ((most <= left)) || most=$left
  ((most > 0)) || most=1 # 0 would be none
  echo "[$SECONDS s] $what (at most $most s)"
  results "$what"
  # A process group of its own, of which nothing is left: not a tool that does not end when it is told to.
  timeout --kill-after=10 "$most" "$self" "+$function" >"$OUT/$file" 2>&1 &
  running=$!
  wait "$running"
  status=$?
  end_running
  case $status in
    0)
      say "passed    $what ($((SECONDS - started)) s)"
      row "$what" passed $((SECONDS - started))
      results
      return 0
      ;;
    77)
      say "left out  $what: $(tail -n 1 "$OUT/$file")"
      row "$what" "left out: $(tail -n 1 "$OUT/$file")" $((SECONDS - started))
      results
      return 1
      ;;
    124 | 137)
      say "CUT OFF   $what after $most s$(tests_so_far "$OUT/$file"), see $file"
      row "$what" "**cut off** after $most s$(tests_so_far "$OUT/$file"), see $file" $((SECONDS - started))
      ;;
    *)
      say "FAILED    $what ($((SECONDS - started)) s), see $file"
      row "$what" "**failed**, see $file" $((SECONDS - started))
      ;;
  esac
  results
  tail -n 15 "$OUT/$file"
  echo
  failed=1
  return 1
}
cannot() { # a step that this machine has nothing for
  echo "$*"
  exit 77
}

# --------------------------------------------------------------------------------------------------------- carry
carry() {
  rm -rf .gpu/include .gpu/lib .gpu/share .gpu/bin
  local library package config
  library=lib/$(gcc -print-multiarch) # as Debian has it: the packages find themselves by it
  mkdir -p .gpu/include .gpu/bin ".gpu/$library/cmake"
  cp -r /usr/include/{gtest,gmock,fmt,hwy,nlohmann,CLI} .gpu/include/ || return 1
  cp -r "/usr/$library"/cmake/{GTest,fmt} ".gpu/$library/cmake/"
  cp -P "/usr/$library"/libg{test,mock}*.a "/usr/$library"/lib{fmt,hwy}* ".gpu/$library/"
  for package in nlohmann_json CLI11; do
    config=$(find /usr/share /usr/lib -name "${package}Config.cmake" -print -quit)
    mkdir -p ".gpu/$(dirname "$(dirname "${config#/usr/}")")"
    cp -r "$(dirname "$config")" ".gpu/$(dirname "$(dirname "${config#/usr/}")")/"
  done
  # The trainer's: toml++, and pkg-config, which finds FFmpeg's libraries wherever the folder lies.
  [[ ! -d /usr/include/toml++ ]] || cp -r /usr/include/toml++ .gpu/include/
  if command -v pkgconf >/dev/null; then
    cp -L "$(command -v pkgconf)" .gpu/bin/
    cp -L "$(ldd "$(command -v pkgconf)" | awk '/libpkgconf/ { print $3 }')" .gpu/bin/
    cat >.gpu/bin/pkg-config <<'EOF'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$here exec "$here/pkgconf" --define-prefix "$@"
EOF
    chmod +x .gpu/bin/pkg-config
  fi
  local folder=${1:-} built
  for built in "$root"/build*/lib/libcdsr.so; do
    [[ -n $folder || ! -e $built ]] || folder=$(dirname "$(dirname "$built")")
  done
  if [[ -z $folder ]]; then
    echo "no FFmpeg carried: it needs libcdsr built in some build folder here first"
  elif tools/dev/gpu/ffmpeg.sh "$folder" .gpu/ffmpeg; then
    carry_media "$(realpath "$folder")/lib"
  else
    echo "no FFmpeg carried: tools/dev/gpu/ffmpeg.sh failed"
  fi
  du -sh .gpu
}
# An H.264 clip for NVDEC, from any FFmpeg with libx264, and pictures for the trainer.
carry_media() {
  local tool clip=.gpu/clip.mp4
  mkdir -p .gpu/pictures
  for tool in ffmpeg "$root"/build*/ffmpeg/bin/ffmpeg; do
    [[ -s $clip ]] || "$tool" -v error -y -f lavfi -i testsrc2=size=320x180:rate=25 -frames:v 50 -pix_fmt yuv420p \
      -c:v libx264 -crf 18 "$clip" 2>/dev/null || rm -f "$clip"
  done
  [[ -s $clip ]] || echo "no clip carried: no FFmpeg with libx264 here"
  LD_LIBRARY_PATH=$1 "$ffmpeg" -v error -y -f lavfi -i mandelbrot=size=256x256:rate=1:start_scale=1 -frames:v 12 \
    .gpu/pictures/a%02d.png
  LD_LIBRARY_PATH=$1 "$ffmpeg" -v error -y -f lavfi -i testsrc2=size=256x256:rate=1 -frames:v 12 .gpu/pictures/b%02d.png
}

# ------------------------------------------------------------------------------------------------- what is there
# A driver that hangs must not take the meeting with it.
python_says() { timeout --kill-after=5 30 python3 -c "$1" 2>/dev/null; }
# Folders of the wheels that PyTorch brings: cuDNN, nvrtc, CUPTI.
[[ -v GPU_WHEELS ]] || GPU_WHEELS=$(python_says 'import nvidia; print(list(nvidia.__path__)[0])')
export GPU_WHEELS # for the steps
wheels=$GPU_WHEELS
cudnn_headers() { [[ -n $wheels && -e $wheels/cudnn/include/cudnn_graph.h ]] && echo "$wheels/cudnn/include"; }
library_path() {
  local folder all=$BUILD/lib
  for folder in "$wheels"/cudnn/lib "$wheels"/cu13/lib "$wheels"/cuda_nvrtc/lib "$wheels"/cuda_cupti/lib; do
    [[ -z $wheels || ! -d $folder ]] || all+=:$folder
  done
  echo "$all${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
}
# Whether the loader finds a library, as programs will have it do.
has_library() {
  local folder
  if command -v python3 >/dev/null; then
    python_says "import ctypes; ctypes.CDLL('$1')"
    return
  fi
  while IFS= read -r -d : folder; do
    [[ -z $folder || ! -e $folder/$1 ]] || return 0
  done <<<"${LD_LIBRARY_PATH:-}:"
  ldconfig -p | grep -F "$1" >/dev/null
}
# The loader's word and the driver's, not nvidia-smi's: they decide whether cdsr has a GPU. No context is made.
have_gpu() {
  [[ ${CDSR_GPU_DRY:-0} != 1 ]] || return 1
  if command -v python3 >/dev/null; then
    python_says 'import ctypes, sys
try: d = ctypes.CDLL("libcuda.so.1")
except OSError: sys.exit(1)
n = ctypes.c_int(0)
sys.exit(0 if d.cuInit(0) == 0 and d.cuDeviceGetCount(ctypes.byref(n)) == 0 and n.value > 0 else 1)'
  else
    has_library libcuda.so.1
  fi
}

# --------------------------------------------------------------------------------------------------------- build
configure() { # FOLDER ARGUMENTS...
  local folder=$1 headers arguments=()
  shift
  [[ ! -d .gpu ]] || arguments+=("-DCMAKE_PREFIX_PATH=$root/.gpu${PREFIXES:+;$PREFIXES}")
  headers=$(cudnn_headers) && arguments+=("-DCDSR_CUDNN_INCLUDE=$headers")
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCDSR_GST=OFF \
    -DCDSR_CUDA_ARCHITECTURES="${ARCHITECTURES:-90}" "${arguments[@]}" "$@"
}
step_configure() {
  [[ -z ${REHEARSE:-} ]] || cannot "a rehearsal: $BUILD as it is"
  configure "$BUILD" -DCDSR_TORCH=OFF -DCDSR_FFMPEG=OFF
}
step_build() { build cdsr cdsr_cuda "$gpu_test" "$gpu_bench"; }
build() { cmake --build "$BUILD" --parallel "$JOBS" --target "$@"; }
part_build() {
  step configure 60 configure.txt "configure" || [[ -n ${REHEARSE:-} ]] || return
  step build 400 build.txt "build"
}

# ---------------------------------------------------------------------------------------------------------- host
host_tests=(cuda_color_test cuda_kernels_test cuda_plan_test cuda_module_test)
step_host_build() { build "${host_tests[@]}"; }
step_host_tests() {
  local test bad=0
  for test in "${host_tests[@]}"; do "$BUILD/bin/$test" || bad=1; done
  return "$bad"
}
# Registers and spills of every kernel; fails if one has a stack.
step_resources() {
  command -v cuobjdump >/dev/null || cannot "no cuobjdump here"
  cuobjdump --dump-resource-usage "$BUILD/lib/libcdsr_cuda.so" | tee "$OUT/resources.all" | grep -cE 'REG:' &&
    ! grep -E 'STACK:[1-9]' "$OUT/resources.all"
}
# The matrix instructions that were meant are in the binary.
step_matrix() {
  command -v cuobjdump >/dev/null || cannot "no cuobjdump here"
  local found=0
  cuobjdump --dump-sass "$BUILD/lib/libcdsr_cuda.so" >"$OUT/sass" || return 1
  grep -oE '(HMMA\.16816\.F32(\.BF16)?|QMMA\.16832\.F32\.E4M3\.E4M3)' "$OUT/sass" | sort | uniq -c
  grep -qE 'HMMA\.16816\.F32 ' "$OUT/sass" && grep -qE 'HMMA\.16816\.F32\.BF16' "$OUT/sass" &&
    grep -qE 'LDGSTS' "$OUT/sass" && found=1
  rm -f "$OUT/sass"
  [[ $found -eq 1 ]]
}
part_host() {
  step host_build 200 host_build.txt "host tests built" && step host_tests 90 host.txt "host tests of the kernels"
  step resources 60 resources.txt "resources: no kernel has a stack or spills"
  step matrix 60 matrix.txt "matrix instructions in the binary"
}

# ------------------------------------------------------------------------------------------------------- correct
gpu_tests() { # ARGUMENTS...; what is skipped has not been tested
  "$BUILD/bin/$gpu_test" "$@" | tee "$OUT/tests.tmp" && ! grep -q SKIPPED "$OUT/tests.tmp"
}
step_halves() { CDSR_CUDNN=off gpu_tests --gtest_filter='*Operators*16:*Networks*16'; }
part_correct() { step halves 60 halves.txt "operators and networks in fp16 and bf16, own kernels"; }

# ---------------------------------------------------------------------------------------------------------- rest
step_gpu() { CDSR_CUDNN=off gpu_tests --gtest_filter='-*GpuPlans*:*Operators*16:*Networks*16'; }
step_conformance_build() { build conformance_test; }
step_conformance() { CDSR_CUDNN=off "$BUILD/bin/conformance_test" --backend=cuda; }
part_rest() {
  step gpu 120 gpu.txt "fp32, fp8, bands, frames, contexts, own kernels"
  step conformance_build 100 conformance_build.txt "conformance test built" &&
    step conformance 120 conformance.txt "every operator, network and rule of use, own kernels"
}

# ---------------------------------------------------------------------------------------------------------- fast
bench() { "$BUILD/bin/$gpu_bench" "$@"; }
step_bench_first() {
  CDSR_CUDNN=off bench cdsr-rt "${sizes[0]}" fp16 cdsr-10 "${sizes[0]}" fp16 cdsr-rt "${sizes[0]}" bf16 \
    cdsr-10 "${sizes[0]}" bf16 cdsr-rt-dqa "${sizes[0]}" fp16
}
part_fast() {
  step bench_first 60 bench_first.json "cdsr-rt, cdsr-10 and cdsr-rt-dqa at ${sizes[0]}, own kernels"
}

# ------------------------------------------------------------------------------------------------------- careful
sanitizer() { # ARGUMENTS...
  command -v compute-sanitizer >/dev/null || cannot "no compute-sanitizer here"
  CDSR_CUDNN=off compute-sanitizer --error-exitcode 9 "$@"
}
step_memcheck() { sanitizer "$BUILD/bin/$gpu_test" --gtest_filter='*nv12*:*Operators*fp16*:GpuSafety.WhatHalf*'; }
step_racecheck() { sanitizer --tool racecheck "$BUILD/bin/$gpu_test" --gtest_filter='*Operators*fp16*:*nv12*'; }
part_careful() {
  step memcheck 100 memcheck.txt "compute-sanitizer memcheck"
  step racecheck 100 racecheck.txt "compute-sanitizer racecheck"
}

# --------------------------------------------------------------------------------------------------------- cudnn
# Measuring is bounded: half a second a candidate, and shapes that are not reached keep the own kernel.
export CDSR_CUDNN_CANDIDATES=${CDSR_CUDNN_CANDIDATES:-3} CDSR_CUDNN_SECONDS=${CDSR_CUDNN_SECONDS:-15}
step_plans() {
  export CDSR_PLAN_CACHE=$OUT/plans
  gpu_tests --gtest_filter='*GpuPlans*:*Networks*16:*SameBits*16:*Fp8*'
}
step_bench() {
  local first=${sizes[0]} second=${sizes[1]} third=${sizes[2]}
  CDSR_PLAN_CACHE=$OUT/plans bench cdsr-rt "$first" fp16 cdsr-10 "$first" fp16 cdsr-rt "$third" fp16 \
    cdsr-10 "$first" bf16 cdsr-10 "$first" fp8 cdsr-2 "$first" fp16 cdsr-hq "$first" fp16 cdsr-rt-dqa "$first" fp16 \
    cdsr-10 "$second" fp16 cdsr-2 "$second" fp16 cdsr-rt "$second" fp16 cdsr-2 "$third" fp16
}
part_cudnn() {
  step plans 100 plans.txt "networks with cuDNN's plans"
  step bench 150 bench.json "speed, cuDNN where it was measured faster"
}

# ------------------------------------------------------------------------------------------------------- compare
step_torch() {
  python_says 'import torch' || cannot "no PyTorch here"
  python3 tools/dev/gpu/torch_baseline.py
}
part_compare() { step torch 120 torch.json "the same networks in PyTorch"; }

# --------------------------------------------------------------------------------------------------------- train
step_train_build() {
  local torch
  torch=$(python_says 'import torch.utils; print(torch.utils.cmake_prefix_path)') || cannot "no PyTorch here"
  [[ -d .gpu/ffmpeg/lib/pkgconfig && -d .gpu/include/toml++ ]] || cannot "no FFmpeg libraries or toml++ in .gpu"
  export PREFIXES=$torch PKG_CONFIG=$root/.gpu/bin/pkg-config PKG_CONFIG_PATH=$root/.gpu/ffmpeg/lib/pkgconfig
  configure "$BUILD-train" -DCDSR_TESTS=OFF -DCDSR_CUDA=OFF &&
    cmake --build "$BUILD-train" --parallel "$JOBS" --target cdsr_program
}
train_on() { # DEVICE
  local program name device=$1
  program=$(find "$BUILD-train/bin" -name cdsr -type f 2>/dev/null | head -n 1)
  [[ -x $program ]] || cannot "no program with a trainer was built"
  LD_LIBRARY_PATH=$root/.gpu/ffmpeg/lib:$(library_path)
  export LD_LIBRARY_PATH
  for name in cdsr-rt cdsr-2; do
    "$program" train --name "$name" --scale 2 --data .gpu/pictures --out "$OUT/train-$name" --device "$device" --bf16 \
      --iterations "${STEPS:-100}" --batch 16 --queue 1024 --checkpoint-every 50 --progress 1 || return 1
    # Steps are logged one a line; the last tenth must be better than the first.
    python3 - "$OUT/train-$name/log.jsonl" <<'EOF' || return 1
import json, sys
loss = [x["loss"] for x in map(json.loads, open(sys.argv[1])) if isinstance(x.get("loss"), (int, float))]
n = max(1, len(loss) // 10)
first, last = sum(loss[:n]) / n, sum(loss[-n:]) / n
print(f"{len(loss)} losses in the log, first {first:.4f}, last {last:.4f}")
sys.exit(0 if last < first else 1)
EOF
  done
}
step_train_gpu() { train_on cuda; }
part_train() {
  step train_build 400 train_build.txt "cdsr train built with this LibTorch" &&
    step train_gpu 150 train.txt "training steps on the GPU"
}

# --------------------------------------------------------------------------------------------------------- hosts
encode() { # LARGE-COPY BYTES, COUNTS FILE, FFMPEG ARGUMENTS...
  local large=$1 counts=$2
  shift 2
  LD_LIBRARY_PATH=$root/.gpu/ffmpeg/lib:$(library_path) CUDA_INJECTION64_PATH=$BUILD/lib/libcopy_counter.so \
    COPIES=$counts COPIES_LARGE=$large CDSR_PLAN_CACHE=$OUT/plans "$ffmpeg" -hide_banner -nostats -v verbose -y "$@"
}
counter() {
  local include library
  include=$(find /usr/local/cuda/include "$wheels" -name cupti.h -printf '%h\n' -quit 2>/dev/null)
  library=$(find /usr/local/cuda/ "$wheels" -name 'libcupti.so*' -print -quit 2>/dev/null)
  [[ -n $include && -n $library && -z ${REHEARSE:-} ]] || return 0 # copies() says so
  g++ -std=c++20 -O2 -shared -fPIC -fvisibility=hidden -isystem "$include" -isystem /usr/local/cuda/include \
    tools/dev/gpu/copy_counter.cpp "$library" -Wl,-rpath,"$(dirname "$library")" -o "$BUILD/lib/libcopy_counter.so"
}
# copies FILE LEAST MOST: picture-sized copies in each direction.
copies() {
  [[ -s $1 ]] || cannot "the frames went through; not counted, no CUPTI here"
  python3 - "$@" <<'EOF'
import json, sys
c = json.load(open(sys.argv[1]))
least, most = int(sys.argv[2]), int(sys.argv[3])
print("copies", c)
sys.exit(0 if c["complete"] and all(least <= c[d]["large"] <= most for d in ("to_gpu", "from_gpu")) else 1)
EOF
}
need_ffmpeg() { [[ -x $ffmpeg ]] || cannot "no FFmpeg in .gpu (tools/dev/gpu/check.sh carry)"; }
need_nvdec() {
  has_library libnvcuvid.so.1 || cannot "no libnvcuvid.so.1: this driver has no NVDEC"
  [[ -s .gpu/clip.mp4 ]] || cannot "no clip in .gpu (tools/dev/gpu/check.sh carry)"
}
# A made film that goes up, through the filter and down again.
up_and_down() { # COUNTS FILE, FRAMES, CUDA DEVICE'S OPTION, FFMPEG ARGUMENTS...
  local counts=$1 frames=$2 option=$3
  shift 3
  rm -f "$counts"
  encode $((${film%x*} * ${film#*x} / 3)) "$counts" -init_hw_device "cuda=gpu:0$option" -filter_hw_device gpu -f lavfi \
    -i "testsrc2=size=$film:rate=25" -frames:v "$frames" -vf format=nv12,hwupload,cdsr=scale=2,hwdownload,format=nv12 "$@"
}
# Frames go up once and come down once, in a context of FFmpeg's own and in the primary one: the upload has one or two
# copies of at least half a luma plane, so has the download.
step_upload() {
  need_ffmpeg
  counter || return 1
  local primary
  for primary in 0 1; do
    up_and_down "$OUT/upload$primary.json" 24 ",primary_ctx=$primary" -c:v rawvideo -f null - || return 1
  done
  copies "$OUT/upload0.json" 24 48 && copies "$OUT/upload1.json" 24 48
}
# What NVDEC decodes stays where it is. FFmpeg names the filters it adds by itself "auto_...".
step_nvdec() {
  need_ffmpeg
  need_nvdec
  counter || return 1
  encode 20000 "$OUT/nvdec.json" -hwaccel cuda -hwaccel_output_format cuda -i .gpu/clip.mp4 -vf cdsr=scale=2 \
    -c:v wrapped_avframe -f null - 2>&1 | tee "$OUT/nvdec.log" || return 1
  ! grep -E 'auto_(scale|hw)|hwdownload' "$OUT/nvdec.log" && copies "$OUT/nvdec.json" 0 0
}
step_nvenc() {
  need_ffmpeg
  need_nvdec
  has_library libnvidia-encode.so.1 || cannot "no libnvidia-encode.so.1: no NVENC"
  counter || return 1
  if ! encode 20000 "$OUT/nvenc.json" -hwaccel cuda -hwaccel_output_format cuda -i .gpu/clip.mp4 -vf cdsr=scale=2 \
    -c:v h264_nvenc "$OUT/nvenc.mp4" >"$OUT/nvenc.log" 2>&1; then
    cat "$OUT/nvenc.log"
    ! grep -qE 'No capable devices|OpenEncodeSessionEx failed' "$OUT/nvenc.log" || cannot "this GPU has no NVENC"
    return 1
  fi
  ! grep -E 'auto_(scale|hw)|hwdownload' "$OUT/nvenc.log" && copies "$OUT/nvenc.json" 0 0
}
# The same frames by the reference backend on the processor.
step_picture() {
  need_ffmpeg
  up_and_down "$OUT/picture.json" 6 "" -f rawvideo "$OUT/picture_gpu.yuv" || return 1
  LD_LIBRARY_PATH=$root/.gpu/ffmpeg/lib:$(library_path) "$ffmpeg" -hide_banner -v error -y -f lavfi \
    -i "testsrc2=size=$film:rate=25" -frames:v 6 -vf format=nv12,cdsr=scale=2:backend=reference -f rawvideo \
    "$OUT/picture_cpu.yuv" || return 1
  python3 - "$OUT/picture_gpu.yuv" "$OUT/picture_cpu.yuv" <<'EOF'
import sys
import numpy
a, b = (numpy.fromfile(path, dtype=numpy.uint8).astype(int) for path in sys.argv[1:])
d = abs(a - b)
print(f"{a.size} and {b.size} samples, differences: mean {d.mean():.4f}, 99.9 % {numpy.percentile(d, 99.9):.0f}, most {d.max()}")
sys.exit(0 if a.size == b.size > 0 and d.mean() < 0.1 and numpy.percentile(d, 99.9) <= 1 and d.max() <= 4 else 1)
EOF
}
part_hosts() {
  step upload 60 upload.txt "FFmpeg: up, filter, down: one copy each way"
  step picture 60 picture.txt "FFmpeg: the picture against the processor's"
  step nvdec 60 nvdec.txt "FFmpeg: NVDEC, filter: no copy of a picture"
  step nvenc 60 nvenc.txt "FFmpeg: NVDEC, filter, NVENC: no copy of a picture"
}

# ---------------------------------------------------------------------------------------------------------- main
results() { # [STEP THAT RUNS]
  {
    echo "# What ran on a GPU"
    echo
    echo "$(head -n 1 "$OUT/gpu.csv"), commit" \
      "$(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(date -u +%F). \`tools/dev/gpu/check.sh\`:"
    echo
    echo "| step | outcome | s |"
    echo "|---|---|---|"
    cat "$OUT/rows.txt"
    [[ $# -eq 0 ]] || echo "| $1 | **cut off** with the call | |"
    echo
    python3 tools/dev/gpu/table.py "$OUT/bench.json" "$OUT/torch.json" "$OUT/bench_first.json"
  } >"$OUT/RESULTS.new"
  mv "$OUT/RESULTS.new" "$OUT/RESULTS.md"
}

case ${1:-} in
  +*)
    LD_LIBRARY_PATH=$(library_path)
    export LD_LIBRARY_PATH
    "step_${1#+}"
    exit
    ;;
  carry)
    carry "${2:-}"
    exit
    ;;
esac
all=(build correct fast hosts careful cudnn host rest compare train)
parts=("$@")
[[ $# -gt 0 ]] || parts=("${all[@]}")
for part in "${parts[@]}"; do
  [[ " ${all[*]} " == *" $part "* ]] || {
    sed -n '2,32s/^# \{0,1\}//p' "$self" >&2
    exit 2
  }
done
trap 'end_running; exit 143' INT TERM
mkdir -p "$OUT"
: >"$OUT/summary.txt"
touch "$OUT/rows.txt"
[[ ${parts[0]} != build ]] || rm -f "$OUT"/*.json "$OUT"/gpu.csv
[[ ${parts[0]} != build ]] || : >"$OUT/rows.txt"
gpu=0
if have_gpu; then
  gpu=1
  timeout --kill-after=5 20 nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null >"$OUT/gpu.csv"
  [[ -s $OUT/gpu.csv ]] || echo "a GPU without nvidia-smi" >"$OUT/gpu.csv"
else
  echo "no GPU" >"$OUT/gpu.csv"
  say "no GPU: only what makes no CUDA call is tried"
fi
for part in "${parts[@]}"; do
  [[ $part == build || $part == host || $gpu -eq 1 ]] || continue
  "part_$part"
  # Without what is built first nothing else can run.
  [[ $part != build || -e $BUILD/bin/$gpu_bench ]] || break
done
say "$SECONDS s in all; $OUT/RESULTS.md"
exit "$failed"
