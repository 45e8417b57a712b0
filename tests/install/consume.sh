#!/usr/bin/env bash
# consume.sh BUILD WORK VERSION: installs libcdsr out of BUILD, moves the installation, and builds and runs a program
# against it: with CMake's package and with pkg-config. A package of a later version must not be found.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$1 work=$2 version=$3
prefix=$work/moved

rm -rf "$work"
mkdir -p "$work/source"
for part in libcdsr libcdsr-dev cdsr-models; do
  cmake --install "$build" --component "$part" --prefix "$work/installed" >>"$work/install.log"
done
mv "$work/installed" "$prefix"
cp "$here/consumer.c" "$work/source/"
cp "$here/consumer.cmake" "$work/source/CMakeLists.txt"

configure() { # VERSION
  cmake -S "$work/source" -B "$work/build-$1" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED="$1" >"$work/cmake-$1.log" 2>&1
}
configure "$version" || { cat "$work/cmake-$version.log"; exit 1; }
cmake --build "$work/build-$version" >"$work/build.log" || { cat "$work/build.log"; exit 1; }
echo "CMake:      $("$work/build-$version/consumer")"
if configure 99.0; then
  echo "version 99.0 was found"
  exit 1
fi

export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name libcdsr.pc)")
[[ $(pkg-config --modversion libcdsr) == "$version" ]]
# shellcheck disable=SC2046  # flags are words
cc "$here/consumer.c" $(pkg-config --cflags --libs libcdsr) "-Wl,-rpath,$(pkg-config --variable=libdir libcdsr)" \
  -o "$work/consumer"
echo "pkg-config: $("$work/consumer")"
# What the loader looks for is the installed library, by the number of its interface.
readelf -d "$work/consumer" | grep 'NEEDED.*libcdsr\.so\.[0-9]\+\]' >/dev/null
