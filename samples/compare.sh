#!/usr/bin/env bash
# Compares models on your own clips: each is made small, compressed with x264, upscaled again, and scored against itself.
#
#   samples/compare.sh [-s SCALE] [-c "CRF..."] [-n FRAMES] [-t SECONDS] [-m "MODEL..."] [-p] [-o OUT] CLIP...
#
# -s   2, 3 or 4 (default 2)
# -c   x264 qualities (default "18 23 28 33")
# -n   frames of each clip (default 24)
# -t   where they begin, in seconds (default 0)
# -m   names or files of models, each with options after an @ (default "cdsr-rt"; "cdsr-rt@strength=0.7")
# -p   ST-LPIPS too, on up to 4 frames of each (Debian's python3-torch)
# -o   where to write: OUT.html, crops side by side, and OUT.json (default build-user/samples/compare)
# CDSR_BUILD   build folder with ffmpeg (default build-user): samples/upscale.sh or filter/ffmpeg/build.sh makes it
#
# Prints a Markdown table, means over the clips: PSNR-Y, SSIM-Y, VMAF, VMAF-NEG, overshoot and flicker of bicubic, lanczos,
# lanczos + unsharp and each model. VMAF comes with PyPI's imageio-ffmpeg, installed into .cache/compare.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath -m -- "${CDSR_BUILD:-$root/build-user}")
scale=2
qualities="18 23 28 33"
frames=24
skip=0
models="cdsr-rt"
lpips=0
out=$build/samples/compare

die() {
  echo "error: $*" >&2
  exit 1
}
usage() { sed -n '2,18s/^# \{0,1\}//p' "$0"; }
while getopts s:c:n:t:m:po:h option; do
  case $option in
    s) scale=$OPTARG ;;
    c) qualities=$OPTARG ;;
    n) frames=$OPTARG ;;
    t) skip=$OPTARG ;;
    m) models=$OPTARG ;;
    p) lpips=4 ;;
    o) out=$(realpath -m -- "$OPTARG") ;;
    h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[[ $# -gt 0 ]] || { usage >&2 && exit 2; }
[[ $scale =~ ^[234]$ ]] || die "-s $scale: the scale is 2, 3 or 4"
[[ $qualities =~ ^\ *[0-9]+([ ,]+[0-9]+)*\ *$ ]] || die "-c $qualities: x264 qualities, 0 to 51"
[[ $frames =~ ^[1-9][0-9]*$ ]] || die "-n $frames: a number of frames"
[[ $skip =~ ^[0-9]+([.][0-9]+)?$ ]] || die "-t $skip: seconds"
[[ -x $build/ffmpeg/bin/ffmpeg ]] || die "no $build/ffmpeg/bin/ffmpeg: filter/ffmpeg/build.sh makes it"
for clip in "$@"; do [[ -r $clip ]] || die "cannot read $clip"; done
# A model given as a file keeps its meaning in another folder.
files=
for model in $models; do
  name=${model%%@*}
  [[ ! -f $name ]] || model=$(realpath -- "$name")${model#"$name"}
  files+="$model "
done

"$root/tools/dev/setup/install.sh" compare
python=$root/.cache/compare/bin/python3
judge=$("$python" -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')
mkdir -p "$(dirname "$out")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" "$root/samples/compare.py" --ffmpeg "$build/ffmpeg/bin/ffmpeg" --ffprobe "$build/ffmpeg/bin/ffprobe" \
  --judge "$judge" --work "$work" --out "$out" --scale "$scale" --crf "$qualities" --frames "$frames" --skip "$skip" \
  --models "$files" --lpips "$lpips" -- "$@"
