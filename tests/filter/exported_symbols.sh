#!/bin/sh
# exported_symbols.sh LIBRARY FUNCTIONS: libcdsr.so must export what cdsr.h declares (FUNCTIONS: sorted names, one a line)
# and nothing else, and need no library that a machine without a GPU, FFmpeg or LibTorch lacks.
set -eu
[ -s "$2" ] || { echo "no functions in $2"; exit 1; }
if ! difference=$(nm -D --defined-only "$1" | awk '{ print $NF }' | LC_ALL=C sort | diff "$2" -); then
  echo "what cdsr.h declares (<) and what the library exports (>) differ:"
  echo "$difference"
  exit 1
fi
if needed=$(readelf -d "$1" | grep NEEDED | grep -E 'torch|libav|libsw|cuda|cudnn|gst'); then
  echo "must not be linked:"
  echo "$needed"
  exit 1
fi
