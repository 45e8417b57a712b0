#!/usr/bin/env bash
# The man pages and the completion: all commands and options are in them, they are clean, and the completion completes.
#
#   pages_test.sh PYTHON CDSR LIBCDSR
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "$*" >&2
  exit 1
}
"$1" -B "$root/tools/dev/pages/make_pages.py" "$2" "$3" "$work"

"$2" --help >"$work/help"
commands=$(sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$work/help" | sort)
missing=$(sed -n 's/^  \([a-z]*\) *(not in this build.*/\1/p' "$work/help" | sort)
described=$(sed -n 's/^\.SS //p' "$work/cdsr.1" | sort)
[[ -n $described ]] || fail "no command is described"
diff <(sort -m <(echo "$described") <(echo "$missing") | sed '/^$/d') <(echo "$commands") || fail "cdsr.1 describes other commands"
options=$(grep -c '^CDSR_\(LIVE_\)\?OPTION(' "$root/filter/include/cdsr/options.inc")
[[ $(grep -c '^\.TP' "$work/cdsr-filter.7") -eq $options ]] || fail "cdsr-filter.7 has not $options options"

if command -v groff >/dev/null; then
  for page in cdsr.1 cdsr-filter.7; do
    warnings=$(groff -man -Tascii -ww -z "$work/$page" 2>&1)
    [[ -z $warnings ]] || fail "$page: $warnings"
  done
else
  echo "groff not found: the pages were not rendered"
fi

# shellcheck source=/dev/null
source "$work/cdsr.bash"
completes() { # WANTED WORD...: the words of the line, the last being completed
  local wanted=$1
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _cdsr
  [[ ${COMPREPLY[*]} == "$wanted" ]] || fail "$*: completed to '${COMPREPLY[*]}', not to '$wanted'"
}
completes info cdsr inf
completes "fp32 fp16 fp8" cdsr bench --precision fp
completes --precision cdsr bench --prec
completes "" cdsr bench pict
