#!/usr/bin/env bash
# build.sh takes the tree it is given, also after another one whose files are newer.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/build/lib/pkgconfig"
printf 'Name: libcdsr\nDescription: none\nVersion: 0.1.0\n' >"$work/build/lib/pkgconfig/libcdsr.pc"
for version in 2 1; do # the second tree is the older one
  mkdir -p "$work/$version"
  printf '#!/bin/sh\n' >"$work/$version/configure"
  chmod +x "$work/$version/configure"
  echo "$version" >"$work/$version/RELEASE"
  [[ $version == 2 ]] || touch -d '2020-01-01' "$work/$version"/*
  # It stops at the empty tree, after it has said which one it is.
  said=$(FFMPEG_SRC=$work/$version "$root/filter/ffmpeg/build.sh" "$work/build" 2>&1 || true)
  grep -q "source $version " <<<"$said" || { echo "given $version: $said" >&2; exit 1; }
  mkdir -p "$work/build/ffmpeg-objects"
  [[ $version == 1 ]] || touch "$work/build/ffmpeg-objects/old.o"
done
[[ ! -e $work/build/ffmpeg-objects/old.o ]] || { echo "objects of the other tree are still there" >&2; exit 1; }
