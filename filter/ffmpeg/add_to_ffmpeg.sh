#!/usr/bin/env bash
# Adds the filter `cdsr` to an FFmpeg source tree, 5.1 to 9.0. May be run again at any time: what is already there
# is left alone (vf_cdsr.c is brought up to date).
#
#   filter/ffmpeg/add_to_ffmpeg.sh DIR
#   cd DIR && PKG_CONFIG_PATH=.../build/lib/pkgconfig ./configure --enable-libcdsr && make
#
# Each edit hangs on a line that is there in every version; if one is missing, nothing is changed.
set -euo pipefail

if [[ $# -ne 1 ]]; then
  sed -n '5,6s/^# \{0,3\}//p' "$0" >&2
  exit 2
fi
tree=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
min_version=0.1.0 # of libcdsr: the C API that vf_cdsr.c is written against

if [[ ! -f $tree/configure || ! -d $tree/libavfilter ]]; then
  echo "error: $tree is not an FFmpeg source tree (no configure, or no libavfilter/)" >&2
  exit 1
fi
configure=$tree/configure
makefile=$tree/libavfilter/Makefile
allfilters=$tree/libavfilter/allfilters.c

missing=0
need() { # file, extended regular expression
  if ! grep -qE -e "$2" "$1"; then
    echo "error: $1 has no line matching '$2': this FFmpeg is older or newer than what the script knows (5.1 to 9.0)" >&2
    missing=1
  fi
}
need "$makefile" '^OBJS-\$\(CONFIG_CAS_FILTER\)'
need "$allfilters" '^extern const (AV|FF)Filter ff_vf_cas;'
need "$configure" '^  --enable-libcaca '
need "$configure" '^    libcaca$'
need "$configure" '^enabled libcaca +&& require_pkg_config '
need "$configure" '^ass_filter_deps='
[[ $missing -eq 0 ]] || exit 1

# after FILE ANCHOR PRESENT LINE: appends LINE after the first line matching ANCHOR unless PRESENT matches already.
after() {
  if ! grep -qE -e "$3" "$1"; then
    awk -v anchor="$2" -v line="$4" '{ print } !done && $0 ~ anchor { print line; done = 1 }' "$1" >"$1.cdsr"
    # Copied back, not moved: configure keeps its mode.
    cat "$1.cdsr" >"$1"
    rm "$1.cdsr"
    echo "edited $1"
  fi
}

if ! cmp -s "$here/vf_cdsr.c" "$tree/libavfilter/vf_cdsr.c"; then
  cp "$here/vf_cdsr.c" "$tree/libavfilter/vf_cdsr.c"
  echo "copied vf_cdsr.c"
fi

# awk reads its -v arguments for escapes: a literal backslash is written twice.
# shellcheck disable=SC2016  # $(...) is the Makefile's
after "$makefile" '^OBJS-\\$\\(CONFIG_CAS_FILTER\\)' 'CONFIG_CDSR_FILTER' \
  'OBJS-$(CONFIG_CDSR_FILTER)                   += vf_cdsr.o'
# The type's name differs between versions (AVFilter to 7.1, FFFilter from 8.0): taken from the neighbour.
type=$(sed -nE 's/^extern const ((AV|FF)Filter) ff_vf_cas;.*/\1/p' "$allfilters")
after "$allfilters" '^extern const (AV|FF)Filter ff_vf_cas;' ' ff_vf_cdsr;' "extern const $type ff_vf_cdsr;"
after "$configure" '^  --enable-libcaca ' '--enable-libcdsr ' \
  '  --enable-libcdsr         enable video super-resolution via libcdsr [no]'
after "$configure" '^    libcaca$' '^    libcdsr$' '    libcdsr'
after "$configure" '^enabled libcaca +&& require_pkg_config ' '^enabled libcdsr ' \
  "enabled libcdsr           && require_pkg_config libcdsr \"libcdsr >= $min_version\" cdsr/cdsr.h cdsr_version"
after "$configure" '^ass_filter_deps=' '^cdsr_filter_deps=' 'cdsr_filter_deps="libcdsr"'
