#!/usr/bin/env bash
# Dependencies between the top-level folders point one way: a folder includes itself and what stands below it.
#
#   includes.sh ROOT
set -euo pipefail

# includes ROOT FOLDER ALLOWED...: lists what FOLDER includes, or names in its CMakeLists, of other folders.
includes() {
  local root=$1 folder=$2 other
  shift 2
  for other in model filter gst_plugin samples tools tests; do
    [[ " $* " != *" $other "* ]] || continue
    grep -rnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<]$other/" "$root/$folder" \
      --include=*.h --include=*.c --include=*.cpp --include=*.cu --include=*.inl || true
    grep -rnE "(\\.\\.|PROJECT_SOURCE_DIR\\}|CMAKE_SOURCE_DIR\\})/$other/" "$root/$folder" \
      --include=CMakeLists.txt || true
  done
}

# violations ROOT: all of them.
violations() {
  includes "$1" model model
  includes "$1" filter filter model
  includes "$1" gst_plugin gst_plugin
  includes "$1" samples samples
  includes "$1" tools tools filter model
}

# The check itself: what it must find, planted in an empty tree.
planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
mkdir -p "$planted"/{model/cuda,filter,gst_plugin,samples,tools}
echo '#include "filter/format/frame.h"' >"$planted/model/cuda/runner.h"
# shellcheck disable=SC2016  # CMake's variable
echo 'add_library(x "${PROJECT_SOURCE_DIR}/filter/cuda/color.cu")' >"$planted/model/CMakeLists.txt"
echo '#include "tools/media/image_io.h"' >"$planted/filter/session.cpp"
echo '#include "model/engine.h"' >"$planted/gst_plugin/element.cpp"
found=$(violations "$planted" | wc -l)
[[ $found -eq 4 ]] || { echo "includes.sh finds $found of 4 planted violations"; exit 1; }

all=$(violations "$1")
[[ -z $all ]] || { echo "$all"; exit 1; }
