#!/usr/bin/env bash
# The CPU engine and the filter on 64-bit Arm (NEON), without one: cross-compiled, tests run by qemu's user mode. Says what is right,
# not how fast.
#
#   tests/arm64.sh [GOOGLETEST-FILTER]
#
# BUILD   where everything goes (default: build-arm64)
# JOBS    compiler processes (default: one for each processor)
#
# As root on Debian 12: installs a cross compiler and qemu; Debian's arm64 packages are unpacked, not installed. Not part of
# tests/run.sh: minutes to build, a quarter of an hour to run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD:-$root/build-arm64}
mkdir -p "$build/debs" "$build/lists/partial" "$build/cache/archives/partial"
build=$(cd "$build" && pwd)
sysroot=$build/sysroot
packages=(libdnnl-dev libdnnl2 libhwy-dev libhwy1 libfmt-dev libfmt9 libgtest-dev libcli11-dev nlohmann-json3-dev libgomp1 libstdc++6
  libgcc-s1 ocl-icd-libopencl1)

echo "== packages"
apt-get -qq install -y g++-aarch64-linux-gnu qemu-user-static cmake ninja-build >/dev/null
if [[ ! -d $sysroot ]]; then
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main" >"$build/sources.list"
  options=(-qq -oDir::Etc::sourcelist="$build/sources.list" -oDir::Etc::sourceparts=/dev/null -oDir::State::Lists="$build/lists"
    -oDir::Cache="$build/cache" -oAPT::Architecture=arm64 -oAPT::Architectures::=arm64 -oAPT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$build/debs" && apt-get "${options[@]}" download "${packages[@]}")
  rm -rf "$sysroot.part"
  for deb in "$build"/debs/*.deb; do dpkg -x "$deb" "$sysroot.part"; done
  mv "$sysroot.part" "$sysroot"
fi

echo "== build"
cmake -G Ninja -S "$root" -B "$build" -DCMAKE_TOOLCHAIN_FILE="$root/tools/dev/cmake/arm64.cmake" -DCDSR_SYSROOT="$sysroot" \
  -DCMAKE_BUILD_TYPE=Release -DCDSR_WERROR=ON -DCDSR_TORCH=OFF -DCDSR_CUDA=OFF -DCDSR_FFMPEG=OFF -DCDSR_GST=OFF
cmake --build "$build" --parallel "${JOBS:-$(nproc)}" --target cpu_test conformance_test filter_test

echo "== tests"
failed=0
for test in cpu_test conformance_test filter_test; do
  qemu-aarch64-static -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$sysroot/usr/lib/aarch64-linux-gnu" "$build/bin/$test" \
    --gtest_brief=1 --gtest_filter="${1:-*}" || failed=1
done
exit "$failed"
