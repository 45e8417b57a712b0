#!/usr/bin/env bash
# Compares models on your own clips: each is made small, compressed with x264, upscaled again, and scored against itself.
#
#   samples/compare.sh [-s SCALE] [-c "CRF..."] [-n FRAMES] [-m "MODEL..."] CLIP...
#
# -s   2, 3 or 4 (default 2)
# -c   x264 qualities (default "23 28 33")
# -n   frames of each clip, from its middle (default 48)
# -m   names or files of models (default "cdsr-rt cdsr-rt-video")
# CDSR_BUILD   build folder with ffmpeg (default build): samples/upscale.sh or filter/ffmpeg/build.sh makes it
#
# Prints a Markdown table: PSNR in dB (Y, U, V) and SSIM (Y) of FFmpeg's bicubic and lanczos and of each model.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath -m -- "${CDSR_BUILD:-$root/build}")
ffmpeg=$build/ffmpeg/bin/ffmpeg
ffprobe=$build/ffmpeg/bin/ffprobe
scale=2
qualities="23 28 33"
frames=48
models="cdsr-rt cdsr-rt-video"

die() {
  echo "error: $*" >&2
  exit 1
}
usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; }
while getopts s:c:n:m:h option; do
  case $option in
    s) scale=$OPTARG ;;
    c) qualities=$OPTARG ;;
    n) frames=$OPTARG ;;
    m) models=$OPTARG ;;
    h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
shift $((OPTIND - 1))
[[ $# -gt 0 ]] || { usage >&2 && exit 2; }
[[ $scale =~ ^[234]$ ]] || die "-s $scale: the scale is 2, 3 or 4"
[[ $frames =~ ^[1-9][0-9]*$ ]] || die "-n $frames: a number of frames"
[[ -x $ffmpeg ]] || die "no $ffmpeg: filter/ffmpeg/build.sh makes it"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quiet() { "$ffmpeg" -hide_banner -nostdin -loglevel error -y "$@"; }

methods=(bicubic lanczos)
filters=("scale=iw*$scale:ih*$scale:flags=bicubic+accurate_rnd" "scale=iw*$scale:ih*$scale:flags=lanczos+accurate_rnd")
for model in $models; do
  methods+=("$(basename "$model" .safetensors)")
  filters+=("cdsr=scale=$scale:model=$model")
done

echo "| clip | crf | method | PSNR Y | U | V | SSIM Y |"
echo "|---|---|---|---|---|---|---|"
for clip in "$@"; do
  length=$("$ffprobe" -v error -show_entries format=duration -of csv=p=0 "$clip") || die "cannot read $clip"
  from=$(awk -v t="$length" 'BEGIN { printf "%.2f", t / 2 }')
  # Sides that divide by the scale, and by two after it.
  quiet -ss "$from" -i "$clip" -an -frames:v "$frames" \
    -vf "crop=trunc(iw/$((2 * scale)))*$((2 * scale)):trunc(ih/$((2 * scale)))*$((2 * scale)):0:0,format=yuv420p" \
    -c:v ffv1 "$work/reference.mkv"
  for crf in $qualities; do
    quiet -i "$work/reference.mkv" -vf "scale=iw/$scale:ih/$scale:flags=area+accurate_rnd" -c:v libx264 -preset medium \
      -crf "$crf" "$work/small.mkv"
    for i in "${!methods[@]}"; do
      # Both measures write one line a run, at the end, into the log.
      "$ffmpeg" -hide_banner -nostdin -nostats -loglevel info -i "$work/small.mkv" -i "$work/reference.mkv" \
        -filter_complex "[0:v]${filters[i]},settb=AVTB,setpts=N,split[a][b];[1:v]settb=AVTB,setpts=N,split[c][d];
          [a][c]psnr[o];[b][d]ssim[p]" -map '[o]' -f null - -map '[p]' -f null - 2>"$work/log" ||
        { tail -n 5 "$work/log" >&2 && die "$clip, crf $crf, ${methods[i]}: measuring failed"; }
      psnr=$(sed -nE 's/.*PSNR y:([^ ]*) u:([^ ]*) v:([^ ]*) .*/\1 | \2 | \3/p' "$work/log")
      ssim=$(sed -nE 's/.*SSIM Y:([^ ]*) .*/\1/p' "$work/log")
      [[ -n $psnr && -n $ssim ]] || die "$clip, crf $crf, ${methods[i]}: ffmpeg printed no score"
      printf '| %s | %s | %s | %s | %s |\n' "$(basename "$clip")" "$crf" "${methods[i]}" "$psnr" "$ssim"
    done
  done
done
