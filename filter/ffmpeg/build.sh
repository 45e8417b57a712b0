#!/usr/bin/env bash
# Builds FFmpeg with the filter `cdsr` and installs it as BUILD/ffmpeg/bin/{ffmpeg,ffprobe}; they run from anywhere.
#
#   filter/ffmpeg/build.sh [BUILD]
#
# BUILD         the folder libcdsr was built in (default: build-user, beside this project's CMakeLists.txt)
# FFMPEG_SRC    an FFmpeg source tree, 5.1 to 9.0, to use in place of Debian's source package. It is copied, not changed.
# FFMPEG_FLAGS  more arguments for FFmpeg's configure, for example "--enable-filter=hqdn3d --enable-libmp3lame"
# JOBS          compiler processes (default: one for each processor)
#
# It opens whatever FFmpeg itself can open, as nobody knows what will be upscaled: all native decoders, demuxers, parsers. What
# it writes and filters with is trimmed, so that it takes minutes; FFMPEG_FLAGS adds to it.
# A second run does only what changed.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "${1:-$root/build-user}" && pwd)
jobs=${JOBS:-$(nproc)}
prefix=$build/ffmpeg
objects=$build/ffmpeg-objects
sources=$build/ffmpeg-src
log=$build/ffmpeg-build.log
started=$SECONDS

say() { printf 'ffmpeg: %s (%d s)\n' "$*" $((SECONDS - started)); }
die() {
  echo "error: $*" >&2
  exit 1
}
hash_of() { cat "$@" | sha256sum | cut -c 1-16; }

export PKG_CONFIG_PATH=$build/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
pkg-config --exists libcdsr || die "no libcdsr in $build: build it first (cmake --preset user && cmake --build --preset user)"
[[ -z ${FFMPEG_SRC:-} || -x $FFMPEG_SRC/configure ]] || die "FFMPEG_SRC=$FFMPEG_SRC is no FFmpeg source tree"

# Nothing to do? libcdsr.so is loaded at run time: only its interface counts.
inputs=("$here"/*.sh "$here/vf_cdsr.c" "$root"/filter/include/cdsr/* "$build/lib/pkgconfig/libcdsr.pc")
stamp="$(hash_of "${inputs[@]}") ${FFMPEG_SRC:-debian} ${FFMPEG_FLAGS:-} $(pkg-config --modversion ffnvcodec 2>/dev/null || true)"
if [[ -x $prefix/bin/ffmpeg && -z ${FFMPEG_SRC:-} && $(cat "$prefix/stamp" 2>/dev/null) == "$stamp" ]]; then
  say "up to date: $prefix/bin/ffmpeg"
  exit 0
fi

if [[ -n ${FFMPEG_SRC:-} ]]; then
  tree=$sources/given
  say "copying $FFMPEG_SRC"
  # Another tree than the last one: its files may be older, and so would its objects be.
  given="$(cd "$FFMPEG_SRC" && pwd) $(cat "$FFMPEG_SRC/RELEASE" 2>/dev/null || true)"
  if [[ $(cat "$sources/given-from" 2>/dev/null) != "$given" ]]; then rm -rf "$tree" "$objects"; fi
  mkdir -p "$tree"
  echo "$given" >"$sources/given-from"
  tar -C "$FFMPEG_SRC" --exclude=./.git -cf - . | tar -C "$tree" --keep-newer-files --warning=none -xf -
  # A tree that was configured in place cannot be built out of place.
  rm -f "$tree/config.h" "$tree/ffbuild/config.mak"
else
  mkdir -p "$sources/debian"
  tree=$(find "$sources/debian" -mindepth 1 -maxdepth 1 -type d -name 'ffmpeg-*' 2>/dev/null | sort -V | tail -n 1)
  if [[ ! -x ${tree:-}/configure ]]; then
    say "fetching Debian's source package"
    tree=$("$here/fetch_debian_source.sh" "$sources/debian" 2>"$log" | tail -n 1) || {
      tail -n 20 "$log" >&2
      die "the source package could not be fetched (log: $log); FFMPEG_SRC=dir gives a tree"
    }
  fi
fi
say "source $(cat "$tree/RELEASE")"
"$here/add_to_ffmpeg.sh" "$tree"

list() { # NAME... as configure's comma list
  local IFS=,
  echo "$*"
}
encoders=(
  libx264 libx264rgb libx265 libvpx_vp8 libvpx_vp9 ffv1 ffvhuff utvideo prores_ks dnxhd mjpeg mpeg2video mpeg4
  png apng gif tiff bmp rawvideo v210 wrapped_avframe
  aac ac3 libopus flac alac mp2 'pcm_*'
  ass ssa srt subrip movtext webvtt text
)
muxers=(
  mov mp4 matroska webm nut avi mxf mpegts flv ogg opus gif apng webp ivf h264 hevc m4v image2 image2pipe yuv4mpegpipe
  rawvideo wav mp3 adts ac3 flac 'pcm_*' hls segment tee rtsp rtp rtp_mpegts mpjpeg ffmetadata ass srt webvtt
  null md5 framemd5 framecrc framehash hash streamhash
)
protocols=(file pipe fd data concat crypto md5 cache tee tcp udp http httpproxy https tls rtp srtp rtmp rtmps rtmpt)
filters=(
  cdsr scale format noformat fps setpts settb setsar setdar setfield setparams setrange crop pad hflip vflip transpose
  premultiply unpremultiply palettegen paletteuse
  select trim loop reverse split concat overlay blend hstack vstack xstack tile null nullsink copy metadata showinfo
  signalstats sendcmd realtime shuffleframes framestep tpad thumbnail
  bwdif yadif w3fdif idet fieldmatch decimate mpdecimate cropdetect scdet blackdetect freezedetect
  gblur boxblur avgblur unsharp cas noise deband gradfun hqdn3d nlmeans atadenoise deblock
  eq hue lut lutrgb lutyuv curves colorspace colormatrix colorbalance extractplanes mergeplanes alphaextract alphamerge
  geq addroi drawbox drawtext ass subtitles zscale fade xfade psnr ssim vmafmotion
  nullsrc color colorspectrum testsrc testsrc2 smptebars smptehdbars rgbtestsrc yuvtestsrc mandelbrot life cellauto
  aformat anull anullsink anullsrc aresample asetpts asplit atrim atempo aloop apad amix volume asetrate concat sine
  asendcmd ametadata aselect
)
libraries=(libcdsr libx264 libx265 libvpx libdav1d libopus libass libfreetype libfontconfig libzimg gnutls zlib)
flags=(
  --prefix="$prefix" --enable-gpl --disable-autodetect --disable-doc --disable-debug --disable-ffplay
  --disable-everything
)
has() { grep -q -e "$1" "$tree/configure"; } # differs between versions
has '--enable-libharfbuzz' && libraries+=(libharfbuzz)
has '--disable-postproc' && flags+=(--disable-postproc)
if pkg-config --exists libwebp; then
  libraries+=(libwebp)
  encoders+=(libwebp libwebp_anim)
fi
# Frames of NVIDIA GPUs, where their headers are (libffmpeg-nvenc-dev); the driver is opened at run time. Which versions of
# the headers this FFmpeg takes stands in its configure.
nvidia_headers() {
  local wanted
  while IFS= read -r wanted; do
    if pkg-config --exists "${wanted/ ffnvcodec/, ffnvcodec}"; then return 0; fi # two conditions: a comma between them
  done < <(grep -oE 'check_pkg_config ffnvcodec "[^"]+"' "$tree/configure" | cut -d '"' -f 2)
  return 1
}
if nvidia_headers; then
  say "with NVDEC, NVENC and CUDA frames"
  flags+=(--enable-ffnvcodec --enable-cuda --enable-cuvid --enable-nvdec --enable-nvenc '--enable-hwaccel=*_nvdec')
  encoders+=(h264_nvenc hevc_nvenc av1_nvenc)
  filters+=(hwupload hwupload_cuda hwdownload hwmap)
fi
for library in "${libraries[@]}"; do flags+=("--enable-$library"); done
# shellcheck disable=SC2054  # commas inside an argument
flags+=(
  --enable-decoders --enable-demuxers --enable-parsers --enable-bsfs
  --enable-encoder="$(list "${encoders[@]}")" --enable-muxer="$(list "${muxers[@]}")"
  --enable-protocol="$(list "${protocols[@]}")" --enable-filter="$(list "${filters[@]}")" --enable-indev=v4l2,lavfi
)
command -v ccache >/dev/null && flags+=(--cc="ccache gcc")
command -v nasm >/dev/null || die "nasm not found: FFmpeg would be several times slower without it"
read -ra more <<<"${FFMPEG_FLAGS:-}"
flags+=("${more[@]}")

mkdir -p "$objects"
configured="$(hash_of "$tree/configure" "$build/lib/pkgconfig/libcdsr.pc") ${flags[*]}"
if [[ $(cat "$objects/configured" 2>/dev/null) != "$configured" ]]; then
  say "configuring"
  rm -f "$objects/configured"
  if ! (cd "$objects" && "$tree/configure" "${flags[@]}") >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "configure failed (log: $log, details: $objects/ffbuild/config.log)"
  fi
  grep -q '^#define CONFIG_CDSR_FILTER 1' "$objects"/config*.h || die "configure left the filter out (log: $log)"
  echo "$configured" >"$objects/configured"
fi

# The program finds libcdsr.so relative to itself (BUILD may be moved), else where pkg-config found it.
rpath="-Wl,-rpath,\\\$\$ORIGIN/../../lib:$(pkg-config --variable=libdir libcdsr)"
run_make() { make -C "$objects" -j"$jobs" LDEXEFLAGS="$rpath" "$@"; }
total=$(run_make -n 2>/dev/null | grep -cE '^printf "[A-Z0-9]+\\t' || true)
say "compiling $total files with $jobs processes"
if ! run_make 2>&1 | tee "$log" | awk -v total="$total" -v started="$SECONDS" '
    /^(CC|CXX|X86ASM|AS|AR|LD|GEN|STRIP|POOL)\t/ {
      if (++n % 100 == 0) { printf "ffmpeg:   %d of %d\n", n, total; fflush() }
    }'; then
  grep -E 'error|Error' -B 2 -A 8 "$log" | head -n 60 >&2 || true
  die "make failed (log: $log)"
fi
run_make install >>"$log" 2>&1 || die "make install failed (log: $log)"

"$prefix/bin/ffmpeg" -hide_banner -loglevel error -h filter=cdsr >/dev/null || die "the new ffmpeg does not run"
echo "$stamp" >"$prefix/stamp"
say "ready: $prefix/bin/ffmpeg"
