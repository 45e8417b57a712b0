#!/usr/bin/env bash
# The filter in other releases of FFmpeg: builds each of them with it, in a folder of its own, and runs FFmpeg's plugin tests there.
#
#   tests/ffmpeg_versions.sh [WHICH...]
#
# WHICH   Debian releases, whose source packages are fetched, or folders with an FFmpeg source tree
#         (default: bookworm, trixie and sid, which have 5.1, 7.1 and the newest)
# BUILD   the folder that the release preset was built in (default: build); everything goes into BUILD/ffmpeg-versions
# JOBS    compiler processes (default: one for each processor)
#
# Not part of tests/run.sh: an FFmpeg takes a quarter of an hour on two cores. A second run does only what changed. Ends with a
# line for each; fails when a build or a test did.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "${BUILD:-$root/build}" && pwd) || exit 1
which=("$@")
[[ $# -gt 0 ]] || which=(bookworm trixie sid)
weights=$build/ffmpeg-versions/weights

run_tests() { # FFMPEG LOG
  (cd "$root/tests/plugins" &&
    env CDSR_FFMPEG="$1" CDSR_EMBED="$build/bin/cdsr-embed" CDSR_LIBRARY="$build/lib/libcdsr.so" CDSR_MODEL_PATH="$weights" \
      CDSR_REQUIRE_PLUGINS=1 python3 -B -m unittest -v ffmpeg_frames_test ffmpeg_control_test ffmpeg_recipes_test options_test) \
    >"$2" 2>&1
}

one() { # WHICH: one line of the table, and whether all is well
  local name folder tree version tests
  name=$(basename "$1")
  folder=$build/ffmpeg-versions/$name
  mkdir -p "$folder"
  ln -sfn "$build/lib" "$folder/lib" # build.sh finds libcdsr there, and the program finds it when it runs
  if [[ -x $1/configure ]]; then
    tree=$1
  else
    tree=$(find "$folder/source" -mindepth 1 -maxdepth 1 -type d -name 'ffmpeg-*' 2>/dev/null | sort -V | tail -n 1)
    [[ -x ${tree:-}/configure ]] ||
      tree=$("$root/filter/ffmpeg/fetch_debian_source.sh" "$folder/source" "$1" 2>"$folder/fetch.log" | tail -n 1)
    [[ -x ${tree:-}/configure ]] || { echo "$name: NOT FETCHED, see $folder/fetch.log"; return 1; }
  fi
  version=$(cat "$tree/RELEASE" 2>/dev/null || echo unknown)
  if ! FFMPEG_SRC=$tree "$root/filter/ffmpeg/build.sh" "$folder" >&2; then
    echo "$name: FFmpeg $version: NOT BUILT"
    return 1
  fi
  run_tests "$folder/ffmpeg/bin/ffmpeg" "$folder/tests.log"
  tests=$?
  echo "$name: FFmpeg $version: $(grep -E '^Ran [0-9]+ tests' "$folder/tests.log"), $(tail -n 1 "$folder/tests.log") ($folder/tests.log)"
  return "$tests"
}

cmake --build "$build" --target cdsr cdsr_embed cdsr_make_test_weights >&2 || exit 1
mkdir -p "$weights"
for scale in 2 3 4; do
  "$build/bin/cdsr_make_test_weights" tiny --scale "$scale" "$weights/tiny-x$scale.safetensors" || exit 1
done
failed=0
lines=()
for each in "${which[@]}"; do
  line=$(one "$each") || failed=$((failed + 1))
  lines+=("$line")
  echo "$line" >&2
done
printf '\n'
printf '%s\n' "${lines[@]}"
[[ $failed -eq 0 ]]
