#!/usr/bin/env bash
# Installs the Debian packages that CDSR needs. Does nothing, quickly, when all are there.
#
#   tools/dev/setup/install.sh [GROUP...]
#
#   user   library, program, and FFmpeg with the filter (default)
#   gst    the GStreamer element, and samples/live.sh
#   test   all of the above, and what tests/run.sh needs
#   train  LibTorch, for `cdsr train` and the parity tests; ONNX, for `cdsr export --onnx`
#   packages  tools/dev/packages: lintian, debootstrap
#   compare  samples/compare.sh: NumPy, PyTorch; VMAF and ST-LPIPS, into .cache/compare
#   cuda   nvcc 13 and cuDNN 9's headers for the CUDA module, into .cache/cuda, if no CUDA 13 toolkit is installed
#
# Runs as root, or through sudo. CDSR_NO_INSTALL=1 only checks, and fails if something is missing.
set -euo pipefail

user=(
  build-essential cmake ninja-build pkg-config nasm dpkg-dev ca-certificates xz-utils
  # libcdsr and the program
  libdnnl-dev libhwy-dev libfmt-dev nlohmann-json3-dev libcli11-dev
  libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libtiff-dev
  # FFmpeg: codecs, subtitles and drawtext, https
  zlib1g-dev libx264-dev libx265-dev libvpx-dev libdav1d-dev libopus-dev
  libass-dev libfreetype-dev libfontconfig-dev libzimg-dev libgnutls28-dev fonts-dejavu-core
  # frames of NVIDIA GPUs: headers alone, the driver is opened at run time
  libffmpeg-nvenc-dev
)
gst=(
  build-essential cmake ninja-build pkg-config libdnnl-dev libhwy-dev libfmt-dev nlohmann-json3-dev libcli11-dev
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev gstreamer1.0-tools
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  # samples/live.sh: H.264 in and out, HLS
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
)
# libgstcuda's headers, where there is a CUDA toolkit to compile them with (the package is large: it draws in OpenCV).
if [[ -e ${CUDA_HOME:-/usr/local/cuda}/include/cuda.h ]]; then
  gst+=(libgstreamer-plugins-bad1.0-dev)
fi
test=("${user[@]}" "${gst[@]}" libgtest-dev clang libclang-rt-dev clang-format clang-tidy shellcheck python3 python3-venv python3-numpy git)
train=(libtorch-dev libgloo-dev libtomlplusplus-dev libonnx-dev)
compare=(python3 python3-venv python3-numpy python3-torch python3-torchvision)
packages=(lintian debootstrap dpkg-dev python3)
cuda=(build-essential cmake ninja-build pkg-config python3-venv)

# NVIDIA's wheels; Debian's own toolkit is older.
install_cuda() {
  local project folder
  project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
  for folder in "${CUDAToolkit_ROOT:-/usr/local/cuda}" "$project/.cache/cuda"; do
    if "$folder/bin/nvcc" --version 2>/dev/null | grep -q 'release 13'; then
      return
    fi
  done
  if [[ ${CDSR_NO_INSTALL:-0} != 0 ]]; then
    echo "error: CDSR_NO_INSTALL is set, and there is no CUDA 13 toolkit" >&2
    exit 1
  fi
  echo "pip install: nvcc 13.0 and cuDNN into .cache/cuda"
  python3 -m venv "$project/.cache/cuda-packages"
  "$project/.cache/cuda-packages/bin/pip" -q install 'nvidia-cuda-nvcc==13.0.*' 'nvidia-cuda-runtime==13.0.*' \
    'nvidia-nvvm==13.0.*' 'nvidia-cuda-crt==13.0.*' 'nvidia-cuda-cccl==13.0.*' 'nvidia-cuda-cuobjdump==13.*' \
    'nvidia-cudnn-cu13==9.*'
  ln -sfn "$(echo "$project"/.cache/cuda-packages/lib/python3*/site-packages/nvidia/cu13)" "$project/.cache/cuda"
  # cuDNN's wheel has a folder of its own.
  local headers
  for headers in "$project"/.cache/cuda-packages/lib/python3*/site-packages/nvidia/cudnn/include/*.h; do
    [[ ! -e $headers ]] || ln -sf "$headers" "$project/.cache/cuda/include/"
  done
}

# ONNX Runtime checks what `cdsr export --onnx` writes. No Debian package has it: a Python environment of its own in
# .cache/test-python. Without a network there is none, and the test says that it is skipped.
onnx_runtime() {
  local folder
  folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)/.cache/test-python
  if [[ ${CDSR_NO_INSTALL:-0} != 0 ]] || "$folder/bin/python3" -c 'import onnxruntime' 2>/dev/null; then
    return
  fi
  echo "pip install onnxruntime, into .cache/test-python"
  if ! { python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check onnxruntime; }; then
    rm -rf "$folder"
    echo "no ONNX Runtime: the test of \`cdsr export --onnx\` will be skipped"
  fi
}

# What samples/compare.sh judges with: Debian's NumPy and PyTorch, seen from an environment with the rest.
judges() {
  local folder
  folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)/.cache/compare
  if "$folder/bin/python3" -c 'import imageio_ffmpeg, numpy, stlpips_pytorch' 2>/dev/null; then
    return
  fi
  if [[ ${CDSR_NO_INSTALL:-0} != 0 ]]; then
    echo "error: CDSR_NO_INSTALL is set, and .cache/compare lacks imageio-ffmpeg or stlpips-pytorch" >&2
    exit 1
  fi
  echo "pip install imageio-ffmpeg and stlpips-pytorch, into .cache/compare"
  /usr/bin/python3 -m venv --system-site-packages "$folder"
  # stlpips-pytorch asks for packages that it only debugs with.
  "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps imageio-ffmpeg stlpips-pytorch==0.0.2
}

wanted=()
with_cuda=0
with_judges=0
with_onnx_runtime=0
finish() {
  [[ $with_onnx_runtime -eq 0 ]] || onnx_runtime
  [[ $with_judges -eq 0 ]] || judges
  [[ $with_cuda -eq 0 ]] || install_cuda
}
for group in "${@:-user}"; do
  case $group in
    user) wanted+=("${user[@]}") ;;
    gst) wanted+=("${gst[@]}") ;;
    test)
      wanted+=("${test[@]}")
      with_onnx_runtime=1
      ;;
    train) wanted+=("${train[@]}") ;;
    packages) wanted+=("${packages[@]}") ;;
    compare)
      wanted+=("${compare[@]}")
      with_judges=1
      ;;
    cuda)
      wanted+=("${cuda[@]}")
      with_cuda=1
      ;;
    *)
      sed -n '4,12s/^# \{0,3\}//p' "$0" >&2
      exit 2
      ;;
  esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  name=$(sed -nE 's/^PRETTY_NAME="?([^"]*)"?$/\1/p' /etc/os-release 2>/dev/null || true)
  echo "error: ${name:-this system} has no apt: packages are installed on Debian (12 or newer) and its derivatives" \
    "alone. Install what corresponds to these, then build with cmake as the README says:" >&2
  printf '  %s\n' "${wanted[*]}" >&2
  exit 1
fi

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' 2>/dev/null | sed -n 's/^installed //p')
mapfile -t missing < <(printf '%s\n' "${wanted[@]}" | sort -u | grep -vxFf <(printf '%s\n' "$installed") || true)
if [[ ${#missing[@]} -eq 0 ]]; then
  finish
  exit 0
fi

echo "packages missing: ${missing[*]}"
if [[ ${CDSR_NO_INSTALL:-0} != 0 ]]; then
  echo "error: CDSR_NO_INSTALL is set; install them with: apt-get install ${missing[*]}" >&2
  exit 1
fi

root=()
if [[ $EUID -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "error: neither root nor sudo; as root run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
  echo "installing with sudo (it may ask for your password)"
fi

apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 "$@"; }
install() { apt install --no-install-recommends --yes "${missing[@]}" >/dev/null; }

# The lists of a fresh machine are empty, those of an old one name versions that the mirror no longer has.
if ! apt install --dry-run --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
  echo "apt-get update"
  apt update
fi
echo "apt-get install: ${#missing[@]} packages and what they depend on"
if ! install; then
  echo "installation failed; once more after apt-get update"
  apt update
  install
fi
finish
