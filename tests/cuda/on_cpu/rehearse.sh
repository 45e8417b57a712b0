#!/usr/bin/env bash
# A rehearsal of tools/dev/gpu/check.sh, the ten minutes with a GPU, on the stand-in for one: a GPU that is far too slow,
# a tool that does not end when it is told to, and a call that is killed in its middle. Every step must keep to its limit
# and leave what it has found, in the order that finds out most first. Takes three to four minutes.
#
#   tests/cuda/on_cpu/rehearse.sh BUILD
#
# FFMPEG   ffmpeg with the filter and CUDA (default: BUILD/ffmpeg/bin/ffmpeg)
# LIMIT    seconds of the whole call (default 150; what a quicker processor ends in time is not cut off)
# shellcheck disable=SC2317  # functions are called through expect
set -uo pipefail
[[ $# -eq 1 ]] || {
  sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
build=$(cd "$1" && pwd) || exit 2
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
check=$root/tools/dev/gpu/check.sh
export REHEARSE=$build FFMPEG=${FFMPEG:-$build/ffmpeg/bin/ffmpeg} LIMIT=${LIMIT:-150} JOBS=${JOBS:-1}
export CUDA_ON_CPU_DELAY_US=20000 # a launch; and a small GPU, whose rate of copies is soon measured
export CUDA_ON_CPU_MEMORY_MIB=512
cmake --build "$build" --target cuda_on_cpu_test cuda_on_cpu_bench >/dev/null || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
expect() { # WHAT COMMAND...
  local what=$1
  shift
  if "$@"; then
    echo "ok      $what"
  else
    echo "FAILED  $what"
    bad=1
  fi
}

# The tool that does not end: it runs the program it was given, and holds on.
mkdir "$work/bin"
cat >"$work/bin/compute-sanitizer" <<'END'
#!/bin/sh
trap '' TERM
echo "compute-sanitizer, a stand-in: $*"
while :; do sleep 1; done
END
chmod +x "$work/bin/compute-sanitizer"
export PATH=$work/bin:$PATH

# Processes of a session that are left; each call has a session of its own.
left_of() { ps -eo sid=,pid=,stat=,args= | awk -v sid="$1" '$1 == sid && $3 !~ /^Z/'; }
nobody_left() {
  local left
  left=$(left_of "$1")
  [[ -z $left ]] || {
    echo "$left"
    return 1
  }
}
start() { # OUT PART...: check.sh as the leader of a session, its id in $session
  export OUT=$1
  shift
  setsid "$check" "$@" >"$OUT.log" 2>&1 &
  session=$!
}
# Its processes and no other's; one may have ended meanwhile.
kill_session() { left_of "$1" | awk '{ print $2 }' | xargs -r kill -KILL 2>/dev/null; }

# ------------------------------------------------------------------------------------------------ a GPU that is slow
started=$SECONDS
start "$work/slow"
longest=$((LIMIT + 30)) # the last step may need the ten seconds until it is killed
while kill -0 "$session" 2>/dev/null && ((SECONDS - started < longest)); do sleep 1; done
took=$((SECONDS - started))
expect "the call ends by itself, $took of $LIMIT s" test "$took" -lt "$longest"
expect "no process is left" nobody_left "$session"
kill_session "$session"
cat "$work/slow/RESULTS.md"

# Steps in the order that the meeting needs, whatever became of them.
cat >"$work/order" <<'END'
build
operators and networks in fp16 and bf16, own kernels
cdsr-rt, cdsr-10 and cdsr-rt-dqa at 16x16, own kernels
FFmpeg: up, filter, down: one copy each way
compute-sanitizer memcheck
networks with cuDNN's plans
fp32, fp8, bands, frames, contexts, own kernels
the same networks in PyTorch
END
order() {
  cut -d '|' -f 2 "$work/slow/rows.txt" | sed 's/^ //; s/ $//' | grep -xFf "$work/order" | diff "$work/order" -
}
expect "the order" order
bounds() { # a step's seconds against the limit that the log gives it
  awk -F ' *[|] *' -v log_file="$work/slow.log" '
    BEGIN {
      while ((getline line < log_file) > 0)
        if (match(line, /^\[[0-9]+ s\] .* \(at most [0-9]+ s\)$/)) {
          what = line; sub(/^\[[0-9]+ s\] /, "", what); sub(/ \(at most [0-9]+ s\)$/, "", what)
          most = line; sub(/.*\(at most /, "", most); bound[what] = most + 0
        }
    }
    $4 != "" && $4 > bound[$2] + 12 { print $2 ": " $4 " s, at most " bound[$2]; wrong = 1 }
    END { exit wrong }' "$work/slow/rows.txt"
}
expect "every step keeps to its limit" bounds
row_is() { grep -F "| $1 | $2" "$work/slow/RESULTS.md" >/dev/null; }
expect "the tests are cut off, and say how far they came" grep -qE \
  '^\| operators .* \*\*cut off\*\* after [0-9]+ s, [0-9]+ tests passed until then' "$work/slow/RESULTS.md"
expect "the tool that does not end is cut off" row_is "compute-sanitizer memcheck" "**cut off**"
expect "its output is kept" grep -q "a stand-in: --error-exitcode 9" "$work/slow/memcheck.txt"
expect "the bench is cut off" row_is "cdsr-rt, cdsr-10 and cdsr-rt-dqa at 16x16, own kernels" "**cut off**"
expect "the copy rate that it had found is in the results" grep -q '^Copies [0-9.]* TB/s' "$work/slow/RESULTS.md"
expect "no step broke by itself" sh -c "! grep -F '**failed**' '$work/slow/RESULTS.md'"

# ------------------------------------------------------------------------------------------- a call that is killed
unset CUDA_ON_CPU_DELAY_US
LIMIT=2000
start "$work/killed" build fast
for ((i = 0; i < 120; ++i)); do # until the bench has a network's figures
  ! grep -q '"network"' "$work/killed/bench_first.json" 2>/dev/null || break
  sleep 1
done
kill_session "$session"
cat "$work/killed/RESULTS.md"
expect "what was done stays" grep -qE '^\| build \| passed' "$work/killed/RESULTS.md"
expect "what ran is named" grep -qE '^\| cdsr-rt, .* \*\*cut off\*\* with the call' "$work/killed/RESULTS.md"
figures() { grep -q '^| cdsr-rt | 16x16 | fp16 |' "$work/killed/RESULTS.md"; }
OUT=$work/killed LIMIT=1 "$check" host >/dev/null
expect "a second call adds its rows" grep -q '^| host tests built' "$work/killed/RESULTS.md"
expect "it keeps the figures that the first had found" figures
[[ $bad -eq 0 ]] && echo "rehearsed in $SECONDS s"
exit "$bad"
