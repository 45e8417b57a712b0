#!/usr/bin/env bash
# The engine beside other runtimes on the same network: ONNX Runtime, OpenVINO (fp32, bf16, int8) and ncnn, with the same
# threads, taking turns in one run.
#
#   tools/bench/peers.sh [-m MODEL] [-s SIZE] [-t THREADS] [-r ROUNDS] [-n FRAMES] [-i ISA] [-j JSON]
#
# -m   weights file (default model/weights/cdsr-rt-x2.safetensors)
# -s   of the input, WIDTHxHEIGHT (default 480x270)
# -t   threads (default 1)
# -r   rounds; each runtime makes FRAMES frames in each, one after the other (default 7)
# -n   frames (default 10)
# -i   the most that CDSR and OpenVINO may use: sse41, avx2, avx2_vnni or avx512 (default: what the processor has). ONNX Runtime and
#      ncnn have no such switch and use what there is
# -j   writes the table as JSON here as well
# CDSR_BUILD   build folder with bin/cdsr (default build)
#
# All run the shot's network: the embedding and the queries of one picture are constants, so that what depends on them alone is
# folded away. The times are of the network alone, without colour conversion. Their int8: weights and activations, quantized by
# ONNX Runtime on that picture; ours as the weights file says. The runtimes are installed with pip into .cache/peers.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cdsr=$(realpath -m -- "${CDSR_BUILD:-$root/build}")/bin/cdsr
model=$root/model/weights/cdsr-rt-x2.safetensors
size=480x270
threads=1
rounds=7
frames=10
isa=
json=

die() {
  echo "error: $*" >&2
  exit 1
}
usage() { sed -n '2,19s/^# \{0,1\}//p' "$0"; }
while getopts m:s:t:r:n:i:j:h option; do
  case $option in
    m) model=$OPTARG ;;
    s) size=$OPTARG ;;
    t) threads=$OPTARG ;;
    r) rounds=$OPTARG ;;
    n) frames=$OPTARG ;;
    i) isa=$OPTARG ;;
    j) json=$OPTARG ;;
    h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
[[ -x $cdsr ]] || die "no $cdsr: build it, or set CDSR_BUILD"
[[ -f $model ]] || die "no $model"

# Our own kernels keep to oneDNN's limit; OpenVINO runs a oneDNN that reads it too.
case $isa in
  '') ;;
  sse41 | avx2 | avx2_vnni) export ONEDNN_MAX_CPU_ISA=${isa^^} ;;
  avx512) export ONEDNN_MAX_CPU_ISA=AVX512_CORE ;;
  *) die "-i $isa: must be sse41, avx2, avx2_vnni or avx512" ;;
esac

python=$root/.cache/peers/bin/python3
if ! "$python" -c 'import ncnn, numpy, onnx, onnxruntime, openvino, pnnx, sympy' 2>/dev/null; then
  echo "pip install onnxruntime openvino ncnn, into .cache/peers" >&2
  python3 -m venv "$root/.cache/peers"
  "$root/.cache/peers/bin/pip" install --quiet --disable-pip-version-check numpy onnx onnxruntime openvino ncnn pnnx sympy
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
embedding=()
if [[ $("$cdsr" info "$model") == *'"body":"stack"'* ]]; then
  embedding=(--embedding zero)
fi
"$cdsr" export "$model" "$work/net" --onnx "${embedding[@]}" >/dev/null
"$python" -B "$root/tools/bench/peers.py" --cdsr "$cdsr" --model "$model" --work "$work" --size "$size" --threads "$threads" \
  --rounds "$rounds" --frames "$frames" ${json:+--json "$json"}
