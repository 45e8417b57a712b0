#!/usr/bin/env bash
# Everything that must hold, from nothing: installs what is missing, builds, runs all tests.
#
#   tests/run.sh         packages, format, build, FFmpeg with the filter, all tests
#   tests/run.sh --all   and sanitizers (address, undefined behaviour, threads), fuzzing, clang-tidy on what changed: what CI runs
#
# JOBS           compiler and test processes (default: one for each processor)
# FUZZ_SECONDS   time for the fuzzer of the weights reader (default 30)
# CDSR_BASE      commit since which files count as changed (default: the last 20 commits)
#
# Ends with ctest's summaries and the line "N passed, N failed". Fails when a check failed or nothing was run.
set -uo pipefail

all=0
case ${1:-} in
  "") ;;
  --all) all=1 ;;
  *)
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
build=$root/build
jobs=${JOBS:-$(nproc)}
fuzz_seconds=${FUZZ_SECONDS:-30}
steps=$((all ? 9 : 5))

# What another clone has compiled is not compiled again, if there is a ccache.
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache CMAKE_CUDA_COMPILER_LAUNCHER=ccache
  export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
fi

number=0
passed=0
failed=0
skipped=0
summaries=()

begun=0
times=()
close_step() { [[ $number -eq 0 ]] || times[-1]+=": $((SECONDS - begun)) s"; }
step() {
  close_step
  number=$((number + 1))
  begun=$SECONDS
  times+=("$*")
  printf '\n== %d of %d: %s (%d s so far)\n' "$number" "$steps" "$*" "$SECONDS"
}
finish() {
  close_step
  printf '\n== results (%d s in all)\n' "$SECONDS"
  printf '%s\n' "${times[@]}"
  [[ ${#summaries[@]} -eq 0 ]] || printf '%s\n' "${summaries[@]}"
  [[ $skipped -eq 0 ]] || echo "$skipped skipped"
  echo "$passed passed, $failed failed"
  [[ $failed -eq 0 && $passed -gt 0 ]]
  exit
}
# What the rest stands on: without it there is nothing to run.
must() {
  if ! "$@"; then
    failed=$((failed + 1))
    summaries+=("failed: $*")
    finish
  fi
}
# One check, counted as one test.
check() { # NAME COMMAND...
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    summaries+=("$name: passed")
  else
    failed=$((failed + 1))
    summaries+=("$name: FAILED")
  fi
}
# ctest in a folder; its counts come from its own report, so that a test that was not run is not taken for passed.
run_ctest() { # NAME FOLDER ARGUMENTS...
  local name=$1 folder=$2 report status suite tests bad left
  shift 2
  report=$folder/ctest.xml
  rm -f "$report"
  ctest --test-dir "$folder" --output-on-failure --output-junit "$report" --timeout 600 --parallel "$jobs" "$@" | tee "$folder/ctest.log"
  status=${PIPESTATUS[0]}
  suite=$(tr '\n' ' ' <"$report" | grep -o '<testsuite [^>]*>')
  attribute() {
    local value
    value=$(sed -nE "s/.*[[:space:]]$1=\"([0-9]+)\".*/\1/p" <<<"$suite")
    echo "${value:-0}"
  }
  tests=$(attribute tests)
  bad=$(attribute failures)
  left=$(($(attribute skipped) + $(attribute disabled)))
  if [[ $tests -eq 0 ]]; then
    failed=$((failed + 1))
    summaries+=("$name: FAILED, ctest ran no test")
    return
  fi
  # A test that could not be started is no failure to the report, but it is to ctest.
  [[ $status -eq 0 || $bad -gt 0 ]] || bad=1 left=$((left > 0 ? left - 1 : 0))
  failed=$((failed + bad))
  skipped=$((skipped + left))
  passed=$((passed + tests - bad - left))
  summaries+=("$name: $(grep 'tests passed' "$folder/ctest.log")")
  local line
  while read -r line; do summaries+=("  $line"); done < <(sed -n '/The following tests FAILED/,/^$/p' "$folder/ctest.log")
}

# shellcheck disable=SC2317  # called through check
check_format() {
  local file bad=0
  while IFS= read -r -d '' file; do
    if ! clang-format "$file" | cmp -s - "$file"; then
      echo "not formatted: $file (clang-format -i mends it)"
      bad=1
    fi
  done < <(git ls-files -z '*.cpp' '*.h' '*.c' '*.inl' '*.cu')
  return "$bad"
}
# shellcheck disable=SC2317
check_scripts() { git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck; }

# shellcheck disable=SC2317
fuzz_weights() {
  local corpus=$build/fuzz-corpus
  mkdir -p "$corpus"
  cmake --build "$build" --target weights_fuzzer &&
    "$build/bin/weights_fuzz_driver" --corpus "$corpus" &&
    "$build/bin/weights_fuzzer" -max_total_time="$fuzz_seconds" -seed=1 -verbosity=0 -print_final_stats=1 \
      -artifact_prefix="$build/fuzz-" "$corpus"
}
# clang-tidy on the libraries. Not on what GCC compiles alone: precompiled headers (tools, LibTorch), the vectors of the CPU's kernels.
# shellcheck disable=SC2317
tidy_changed() {
  local base files
  base=${CDSR_BASE:-$(git rev-list --max-count=21 HEAD | tail -n 1)}
  mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- 'model/*.cpp' 'filter/*.cpp' 'gst_plugin/*.cpp' |
    grep -vE '^model/(torch/|cpu/(kernels|int8))')
  echo "${#files[@]} files changed since $base"
  [[ ${#files[@]} -eq 0 ]] || printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$jobs" clang-tidy --quiet -p "$build"
}
sanitized() { # PRESET TARGETS NAME CTEST-ARGUMENTS...
  local preset=$1 targets=$2 name=$3 folder=$root/build-$1
  shift 3
  must cmake --preset "$preset"
  # shellcheck disable=SC2086
  must cmake --build "$folder" --parallel "$jobs" --target $targets
  run_ctest "$name" "$folder" "$@"
}

step "packages"
must tools/dev/setup/install.sh test train

step "format and scripts"
check clang-format check_format
check shellcheck check_scripts

step "build"
must cmake --preset release
must cmake --build "$build" --parallel "$jobs"

step "FFmpeg with the filter"
must env JOBS="$jobs" filter/ffmpeg/build.sh "$build"

step "tests"
CDSR_REQUIRE_PLUGINS=1 run_ctest "release" "$build"
[[ $all -eq 1 ]] || finish

step "clang-tidy on what changed"
check clang-tidy tidy_changed

# Without two that compare numbers for minutes, along paths that their neighbours take too.
step "AddressSanitizer and UndefinedBehaviorSanitizer: unit tests and fuzz driver"
sanitized sanitize unit_tests "sanitizers" -L 'unit|fuzz' -E '^(CpuBands.TheSameBitsInAnyMemory|Int8.IsCloseToTheReference)$'

step "ThreadSanitizer: pipeline, live streams, threads of the CPU engine"
sanitized threads "cpu_test filter_test filter_pipeline_test" "threads" -R '^(Live|Pipeline|Embedder|CpuEngine|ThreadPool)'

step "fuzzing the weights reader for $fuzz_seconds s"
check libFuzzer fuzz_weights

finish
