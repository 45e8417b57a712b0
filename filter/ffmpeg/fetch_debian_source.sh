#!/usr/bin/env bash
# Fetches and unpacks Debian's FFmpeg source package, without root and without touching the machine's apt set-up.
#
#   filter/ffmpeg/fetch_debian_source.sh DIR [SUITE]
#
# DIR    gets the unpacked tree as DIR/ffmpeg-VERSION (path printed as the last line of stdout)
# SUITE  another Debian release on the same mirror: trixie, sid, experimental (default: the machine's own)
#
# The package lists are private (DIR/apt): the machine's own lists with `deb` turned into `deb-src`, so the same
# mirrors and keys are used. Both forms of list are read: one-line (*.list) and deb822 (*.sources).
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 ]]; then
  sed -n '4,7s/^# \{0,3\}//p' "$0" >&2
  exit 2
fi
dir=$1
suite=${2:-}

for tool in apt-get dpkg-source; do
  if ! command -v "$tool" >/dev/null; then
    echo "error: $tool not found: this needs Debian (or a derivative) with dpkg-dev; on other systems give the" \
      "FFmpeg source tree as FFMPEG_SRC=dir" >&2
    exit 1
  fi
done

# shellcheck source=/dev/null
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mkdir -p "$dir/apt/parts" "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
dir=$(cd "$dir" && pwd)

# deb822: a stanza of type deb becomes deb-src, if it is of this release and not of its updates where SUITE is given.
convert_deb822() {
  awk -v own="$codename" -v suite="$suite" '
    function flush(   i) {
      if (keep && enabled) { for (i = 0; i < n; ++i) print line[i]; print "" }
      n = 0; keep = 0; enabled = 1
    }
    BEGIN { enabled = 1 }
    /^[[:space:]]*$/ { flush(); next }
    /^#/ { next }
    /^Enabled:[[:space:]]*[Nn]o/ { enabled = 0 }
    /^Types:/ { line[n++] = "Types: deb-src"; next }
    /^Suites:/ {
      for (i = 2; i <= NF; ++i) {
        if ($i == own) keep = 1
        if (index($i, own) == 1 && suite == "") keep = 1
      }
      if (suite != "") { line[n++] = "Suites: " suite; next }
    }
    { line[n++] = $0 }
    END { flush() }' "$1"
}

# One-line: "deb [options] URI SUITE components...".
convert_one_line() {
  awk -v own="$codename" -v suite="$suite" '
    $1 == "deb" {
      at = 2
      if ($at ~ /^\[/) { while (at < NF && $at !~ /\]$/) ++at; ++at }
      ++at  # past the URI: the suite
      if (suite == "" ? index($at, own) != 1 : $at != own) next
      if (suite != "") $at = suite
      $1 = "deb-src"
      print
    }' "$1"
}

rm -f "$dir"/apt/parts/*
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [[ -r $list ]] && convert_one_line "$list" >"$dir/apt/parts/$(basename "$list" .list).list"
done
for list in /etc/apt/sources.list.d/*.sources; do
  [[ -r $list ]] && convert_deb822 "$list" >"$dir/apt/parts/$(basename "$list")"
done
find "$dir/apt/parts" -type f -empty -delete
if [[ -z $(ls -A "$dir/apt/parts") ]]; then
  echo "error: no apt list of release '$codename' found in /etc/apt; give FFMPEG_SRC=dir instead" >&2
  exit 1
fi

apt_options=(
  -qq
  -oDir::Etc::sourcelist=/dev/null
  -oDir::Etc::sourceparts="$dir/apt/parts"
  -oDir::State::Lists="$dir/apt/lists"
  -oDir::Cache="$dir/apt/cache"
)
# As root apt downloads as the user _apt, who cannot write into a private folder.
[[ $EUID -eq 0 ]] && apt_options+=(-oAPT::Sandbox::User=root)

# A third-party list without sources makes update complain; what matters is whether ffmpeg is found then.
apt-get "${apt_options[@]}" update >&2 || echo "note: apt-get update reported the above; going on" >&2
# deb-src lists of several suites may be there (security): the newest version wins, as everywhere in apt.
(cd "$dir" && apt-get "${apt_options[@]}" source ffmpeg >&2)

tree=$(find "$dir" -mindepth 1 -maxdepth 1 -type d -name 'ffmpeg-*' -printf '%T@ %p\n' | sort -n | tail -n 1)
tree=${tree#* }
if [[ ! -x $tree/configure ]]; then
  echo "error: apt-get source left no FFmpeg tree in $dir" >&2
  exit 1
fi
echo "$tree"
