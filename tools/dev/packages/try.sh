#!/usr/bin/env bash
# Installs the packages in a fresh Debian, uses each of them, and removes them again.
#
#   tools/dev/packages/try.sh PACKAGES [SUITE]
#
# PACKAGES  the folder with the .deb files of build.sh
# SUITE     the Debian release they were built on (default: this machine's)
# MIRROR    http://deb.debian.org/debian
# FRESH     a folder with that release as debootstrap leaves it, to copy in place of fetching it
#
# As root, for debootstrap. The new root is a folder of its own, removed at the end.
set -euo pipefail

[[ $# -ge 1 ]] || {
  sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
packages=$(cd "$1" && pwd)
# shellcheck source=/dev/null
suite=${2:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
mirror=${MIRROR:-http://deb.debian.org/debian}

work=$(mktemp -d)
root=$work/root
# shellcheck disable=SC2317  # the trap's
clean() {
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$work"
}
trap clean EXIT
say() { printf '== %s\n' "$*"; }
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }

say "a fresh $suite"
if [[ -n ${FRESH:-} ]]; then
  cp -a "$FRESH" "$root"
else
  debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/debootstrap.log" || {
    tail -n 20 "$work/debootstrap.log" >&2
    exit 1
  }
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
mkdir "$root/packages"
cp "$packages"/*.deb "$root/packages"

say "install"
inside apt-get -qq update
inside sh -c 'apt-get -qq install -y --no-install-recommends /packages/*.deb gcc libc6-dev pkg-config \
  gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good python3-minimal >/var/log/install.log 2>&1' || {
  tail -n 20 "$root/var/log/install.log" >&2
  exit 1
}

say "the program: a picture"
cp "$here/../../../samples/before_after.png" "$root/tmp/in.png"
cp "$here/../../../tests/install/consumer.c" "$root/tmp/consumer.c"
inside cdsr info cdsr-rt >/dev/null
inside cdsr upscale cdsr-rt /tmp/in.png /tmp/out.png
[[ -s $root/tmp/out.png ]]

say "FFmpeg: a clip"
inside cdsr-ffmpeg -v error -f lavfi -i testsrc2=s=96x64:d=0.2 -vf cdsr -c:v libx264 /tmp/clip.mp4
inside cdsr-ffmpeg -v error -i /tmp/clip.mp4 -f framemd5 /tmp/clip.md5
grep -qx '#dimensions 0: 192x128' "$root/tmp/clip.md5"

say "GStreamer: a pipeline"
inside gst-inspect-1.0 cdsr >/dev/null
inside gst-launch-1.0 -q videotestsrc num-buffers=3 ! video/x-raw,width=96,height=64 ! cdsr ! \
  video/x-raw,width=192,height=128 ! filesink location=/tmp/frames.raw
[[ $(stat -c %s "$root/tmp/frames.raw") -gt 0 ]]

say "libcdsr-dev: a program by pkg-config"
# shellcheck disable=SC2016  # the inner shell's
inside sh -c 'cc /tmp/consumer.c $(pkg-config --cflags --libs libcdsr) -o /tmp/consumer && /tmp/consumer'

say "pages and completion"
for page in man1/cdsr.1.gz man7/cdsr-filter.7.gz man1/cdsr-ffmpeg.1.gz; do [[ -s $root/usr/share/man/$page ]]; done
[[ -s $root/usr/share/bash-completion/completions/cdsr ]]

say "removed"
mapfile -t ours < <(for deb in "$packages"/*.deb; do dpkg-deb -f "$deb" Package; done)
inside apt-get -qq purge -y "${ours[@]}" >"$work/purge.log" 2>&1 || {
  cat "$work/purge.log" >&2
  exit 1
}
left=$(find "$root/usr" "$root/etc" "$root/var/lib" -name '*cdsr*' -not -path '*/var/lib/dpkg/*' 2>/dev/null || true)
if [[ -n $left ]]; then
  printf 'left behind:\n%s\n' "$left" >&2
  exit 1
fi
say "$suite: all well: ${ours[*]}"
