#!/usr/bin/env bash
# Builds the small FFmpeg that an offline GPU machine needs: the filter, NVDEC and NVENC, raw video, and the libraries
# that `cdsr train` reads pictures with. Shared libraries that find each other, no dependency but glibc and zlib.
#
#   tools/dev/gpu/ffmpeg.sh BUILD PREFIX
#
# BUILD    a folder libcdsr was built in: its interface is compiled against, its library is found at run time
# PREFIX   gets bin, lib and include; may be moved
#
# FFMPEG_SRC    an FFmpeg source tree (default: one that filter/ffmpeg/build.sh has fetched, else Debian's package)
# JOBS          compiler processes (default: one for each processor)
set -euo pipefail

if [[ $# -ne 2 ]]; then
  sed -n '5,11s/^# \{0,3\}//p' "$0" >&2
  exit 2
fi
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
prefix=$(cd "$2" && pwd)
work=$build/gpu-ffmpeg
export PKG_CONFIG_PATH=$build/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
# The linker looks for libavfilter's libcdsr here.
export LD_LIBRARY_PATH=$build/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

source=${FFMPEG_SRC:-}
for tree in "$root"/build*/ffmpeg-src/debian/ffmpeg-*/; do
  [[ -n $source || ! -x $tree/configure ]] || source=$tree
done
[[ -n $source ]] || source=$("$root/filter/ffmpeg/fetch_debian_source.sh" "$work/debian" | tail -n 1)

# A copy: add_to_ffmpeg.sh edits it, and other builds may be using the original.
mkdir -p "$work/tree" "$work/objects"
tar -C "$source" --exclude=./.git -cf - . | tar -C "$work/tree" --keep-newer-files --warning=none -xf -
rm -f "$work/tree/config.h" "$work/tree/ffbuild/config.mak"
"$root/filter/ffmpeg/add_to_ffmpeg.sh" "$work/tree"

# shellcheck disable=SC2054  # commas inside an argument
flags=(
  --prefix="$prefix" --disable-autodetect --disable-everything --disable-doc --disable-debug --disable-ffplay
  --disable-static --enable-shared --enable-libcdsr --enable-zlib
  --enable-ffnvcodec --enable-cuda --enable-cuvid --enable-nvdec --enable-nvenc
  '--enable-hwaccel=*_nvdec'
  --enable-decoder=h264,hevc,rawvideo,wrapped_avframe,png,mjpeg,ffv1
  --enable-encoder=h264_nvenc,hevc_nvenc,rawvideo,wrapped_avframe,png,mjpeg,ffv1,mpeg4
  --enable-demuxer=mov,h264,hevc,matroska,rawvideo,yuv4mpegpipe,image2,image_png_pipe,image_jpeg_pipe
  --enable-muxer=mov,mp4,matroska,rawvideo,null,framemd5,yuv4mpegpipe,image2
  --enable-parser=h264,hevc,png,mjpeg,mpeg4video --enable-protocol=file,pipe --enable-indev=lavfi --enable-bsfs
  --enable-filter=cdsr,scale,format,null,nullsink,trim,hwupload,hwupload_cuda,hwdownload,psnr,testsrc2,mandelbrot,setpts
)
command -v ccache >/dev/null && flags+=(--cc="ccache gcc")
cd "$work/objects"
if [[ $(cat configured 2>/dev/null) != "${flags[*]}" ]]; then
  "$work/tree/configure" "${flags[@]}" >configure.log || {
    tail -n 5 configure.log >&2
    exit 1
  }
  for option in CDSR_FILTER CUDA NVDEC NVENC H264_NVENC_ENCODER H264_NVDEC_HWACCEL HWUPLOAD_CUDA_FILTER; do
    grep -qh "^#define CONFIG_$option 1" config*.h || {
      echo "error: FFmpeg's configure left $option out (ffnvcodec's headers: apt-get install libffmpeg-nvenc-dev)" >&2
      exit 1
    }
  done
  echo "${flags[*]}" >configured
fi
rm -rf "${prefix:?}"/{bin,lib,include,share}
make -j"${JOBS:-$(nproc)}" LDEXEFLAGS="-Wl,-rpath,\\\$\$ORIGIN/../lib" \
  LDSOFLAGS="-Wl,-rpath,\\\$\$ORIGIN" install >make.log 2>&1 || {
  grep -E 'error|Error' make.log | head -n 20 >&2
  exit 1
}
rm -rf "$prefix/share"
find "$prefix" \( -name '*.so.*' -o -path '*/bin/*' \) -type f -exec strip {} +
du -sh "$prefix"
