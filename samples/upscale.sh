#!/usr/bin/env bash
# Upscales a video with `ffmpeg -vf cdsr`, from nothing: installs what is missing, builds, runs, measures.
#
#   samples/upscale.sh            a real clip (opencv-doc's vtest.avi, a package of 96 MB), made small first: shows what is won
#   samples/upscale.sh IN [OUT]   your video; OUT defaults to build-user/samples/upscaled.mkv
#
# CDSR_OPTIONS   options of the filter (default scale=2), for example "scale=2:chroma=bicubic"
# CDSR_BUILD     build folder (default build-user)
# JOBS           compiler processes (default: one for each processor)
#
# Writes OUT (audio copied) and a before/after picture beside it, and prints size, speed, shots and, for the clip,
# PSNR and SSIM against the original. The first run takes minutes (FFmpeg is compiled); later ones seconds.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(realpath -m -- "${CDSR_BUILD:-$root/build-user}")
work=$build/samples
options=${CDSR_OPTIONS:-scale=2}
jobs=${JOBS:-$(nproc)}
ffmpeg=$build/ffmpeg/bin/ffmpeg
ffprobe=$build/ffmpeg/bin/ffprobe

die() {
  echo "error: $*" >&2
  exit 1
}
case ${1:-} in
  -h | --help)
    sed -n '2,14s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
esac
[[ $# -le 2 ]] || die "at most two arguments: IN and OUT"

input=${1:+$(realpath -m -- "$1")}
[[ -z $input || -r $input ]] || die "cannot read $1"
if [[ -n $input ]]; then
  output=$(realpath -m -- "${2:-$work/upscaled.mkv}")
  steps=5
else
  output=$work/upscaled.mp4
  steps=7
fi
picture=${output%.*}_before_after.png
[[ $input != "$output" ]] || die "OUT is IN"

number=0
step() {
  number=$((number + 1))
  printf '\n== %d of %d: %s (%d s so far)\n' "$number" "$steps" "$*" "$SECONDS"
}
quiet() { "$ffmpeg" -hide_banner -nostdin -loglevel error -y "$@"; }

step "packages"
"$root/tools/dev/setup/install.sh" user

step "libcdsr and the program cdsr"
cd "$root"
# A folder that is there may have been configured for tests and training: left as it is.
[[ -f $build/build.ninja ]] || cmake --preset user -B "$build"
cmake --build "$build" --parallel "$jobs" --target cdsr cdsr_program

step "FFmpeg with the filter"
JOBS=$jobs "$root/filter/ffmpeg/build.sh" "$build"
mkdir -p "$work" "$(dirname "$output")"
cd "$work"

if [[ -z $input ]]; then
  step "the clip: 768x576 as reference, made small and coded as input"
  if [[ ! -s vtest.avi ]]; then
    # From the package, without installing it.
    rm -rf package && mkdir package
    (cd package && apt-get -qq -o APT::Sandbox::User=root download opencv-doc)
    dpkg --fsys-tarfile package/*.deb | tar -xO --wildcards '*/vtest.avi' >vtest.part && mv vtest.part vtest.avi
    rm -rf package
  fi
  scale=$(sed -nE 's/.*(^|:)scale=([234]).*/\2/p' <<<"$options")
  scale=${scale:-2}
  # Ten seconds of a real camera, made small by the mean of pixels and coded as x264 does by default (crf 23).
  quiet -i vtest.avi -an -t 10 -vf "crop=iw-mod(iw\\,2*$scale):ih-mod(ih\\,2*$scale),format=yuv420p" -c:v ffv1 reference.mkv
  quiet -i reference.mkv -c:v libx264 -vf "scale=iw/$scale:ih/$scale:flags=area" small.mp4
  input=$work/small.mp4
fi

step "upscaling with -vf cdsr=$options"
rm -f shots.txt upscale.log
begin=$(date +%s.%N)
# The terminal sees warnings and progress, the log also what the filter says of itself.
FFREPORT=file=upscale.log:level=32 "$ffmpeg" -hide_banner -nostdin -y -loglevel warning -stats -stats_period 2 \
  -i "$input" -map 0:v:0 -map '0:a?' -c:a copy \
  -vf "cdsr=$options,metadata=print:key=lavfi.cdsr.shot:file=shots.txt" \
  -c:v libx264 -preset veryfast -crf 16 "$output" || die "ffmpeg failed (log: $work/upscale.log)"
end=$(date +%s.%N)

size_of() { "$ffprobe" -v error -select_streams v:0 -show_entries stream=width,height -of csv=p=0:s=x "$1"; }
frames=$(grep -c '^frame:' shots.txt)
shots=$(sed -n 's/^lavfi.cdsr.shot=//p' shots.txt | sort -u | wc -l)
fps=$(awk -v n="$frames" -v a="$begin" -v b="$end" 'BEGIN { printf "%.1f", n / (b - a) }')
own=$(sed -n 's/.*\[Parsed_cdsr[^]]*\] \([0-9].*\)/\1/p' upscale.log | tail -n 1)
from=$(size_of "$input")
to=$(size_of "$output")

if [[ -z ${1:-} ]]; then
  step "PSNR and SSIM against the original"
  # Both pictures straight from the filters, before any encoder.
  "$ffmpeg" -hide_banner -nostdin -loglevel info -nostats -i small.mp4 -i reference.mkv -filter_complex "
    [0:v]split[a][b];
    [a]cdsr=$options,settb=AVTB,split[sr1][sr2];
    [b]scale=iw*$scale:ih*$scale:flags=bicubic+accurate_rnd,settb=AVTB,split[bc1][bc2];
    [1:v]settb=AVTB,split=4[r1][r2][r3][r4];
    [sr1][r1]psnr@sr[o1];[sr2][r2]ssim@sr[o2];[bc1][r3]psnr@bicubic[o3];[bc2][r4]ssim@bicubic[o4]" \
    -map '[o1]' -f null - -map '[o2]' -f null - -map '[o3]' -f null - -map '[o4]' -f null - 2>scores.log ||
    { tail -n 20 scores.log >&2; die "measuring failed (log: $work/scores.log)"; }
fi

step "before/after picture"
# The middle frame of those that were upscaled.
at=$(sed -n 's/^frame:.*pts_time://p' shots.txt | awk '{ t[n++] = $1 } END { print t[int((n - 1) / 2)] }')
rm -f "$picture"
label() { echo "drawtext=font=DejaVu Sans:text=$1:x=16:y=16:fontsize=28:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=8"; }
# The middle third, three times magnified. The bicubic side comes from the filter too: same geometry, same colours.
zoom="crop=min(iw/3\\,640):min(ih/3\\,360),scale=iw*3:ih*3:flags=neighbor,format=rgb24"
if [[ -z ${1:-} ]]; then
  at=1
  zoom="crop=iw/4:ih/4:iw*0.69:ih*0.02,scale=iw*4:ih*4:flags=neighbor,format=rgb24"
  quiet -ss "$at" -i small.mp4 -ss "$at" -i reference.mkv -filter_complex "[0:v]split[a][b];
    [a]cdsr=$options:strength=0,$zoom,$(label bicubic)[l];[b]cdsr=$options,$zoom,$(label CDSR)[m];
    [1:v]$zoom,$(label original)[r];[l][m][r]hstack=3" -frames:v 1 -update 1 "$picture"
else
  quiet -ss "$at" -i "$input" -filter_complex "[0:v:0]split[a][b];
    [a]cdsr=$options:strength=0,$zoom,$(label bicubic)[l];[b]cdsr=$options,$zoom,$(label CDSR)[r];[l][r]hstack" \
    -frames:v 1 -update 1 "$picture"
fi
[[ -s $picture ]] || die "no picture could be made of the frame at $at s"

score() { sed -n "s/.*\[$1@$2 .*$3:\([0-9.inf]*\).*/\1/p" scores.log | tail -n 1; }
printf '\n%s -> %s, %s frames, %s shots, %s frames/s with decoding and encoding\n' "$from" "$to" "$frames" "$shots" "$fps"
printf 'filter: %s\n' "$own"
if [[ -z ${1:-} ]]; then
  printf '%-8s  PSNR-Y %6.2f dB  SSIM-Y %.4f\n' bicubic "$(score psnr bicubic ' y')" "$(score ssim bicubic ' Y')" \
    CDSR "$(score psnr sr ' y')" "$(score ssim sr ' Y')"
fi
printf 'video:   %s\npicture: %s\n%d s in all\n' "$output" "$picture" "$SECONDS"
