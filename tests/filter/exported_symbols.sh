#!/bin/sh
# exported_symbols.sh LIBRARY: libcdsr.so must export cdsr_* functions and nothing else, and need no library that a
# machine without a GPU, FFmpeg or LibTorch lacks.
set -eu
symbols=$(nm -D --defined-only "$1" | awk '{ print $NF }')
[ -n "$symbols" ] || { echo "no symbols in $1"; exit 1; }
if others=$(printf '%s\n' "$symbols" | grep -v '^cdsr_'); then
  echo "exported although not of the API:"
  echo "$others"
  exit 1
fi
if needed=$(readelf -d "$1" | grep NEEDED | grep -E 'torch|libav|libsw|cuda|cudnn|gst'); then
  echo "must not be linked:"
  echo "$needed"
  exit 1
fi
