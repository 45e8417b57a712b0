#!/usr/bin/env bash
# Makes Debian packages of libcdsr, the program, the models, the GStreamer element and FFmpeg with the filter.
#
#   tools/dev/packages/build.sh [FOLDER]
#
# FOLDER    where it is built (default: build-packages); the packages lie in FOLDER/packages
# DEBEMAIL  the maintainer's address, DEBFULLNAME the name, as for Debian's own tools
# JOBS      compiler processes (default: one for each processor)
#
# They fit the Debian release they were built on. Ends with lintian's opinion, and fails when it has an error or a warning.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
folder=${1:-$root/build-packages}
mkdir -p "$folder/packages"
folder=$(cd "$folder" && pwd)
packages=$folder/packages
maintainer="${DEBFULLNAME:-The CDSR authors} <${DEBEMAIL:-cdsr@packages.invalid}>"
version=$(sed -nE 's/^project\(cdsr VERSION ([0-9.]+).*/\1/p' "$root/CMakeLists.txt")

"$root/tools/dev/setup/install.sh" user gst packages

relro=-Wl,-z,relro,-z,now
cmake -G Ninja -S "$root" -B "$folder" -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_SKIP_INSTALL_RPATH=ON \
  -DCDSR_TESTS=OFF -DCDSR_TORCH=OFF -DCDSR_CUDA=OFF -DCDSR_WERROR=ON -DCDSR_SOURCE_MODELS= -DCDSR_MAINTAINER="$maintainer" \
  -DCMAKE_SHARED_LINKER_FLAGS="$relro" -DCMAKE_MODULE_LINKER_FLAGS="$relro" -DCMAKE_EXE_LINKER_FLAGS="$relro"
cmake --build "$folder" --parallel "${JOBS:-$(nproc)}" --target all cdsr_pages
FFMPEG_FLAGS="--extra-ldflags=$relro ${FFMPEG_FLAGS:-}" "$root/filter/ffmpeg/build.sh" "$folder"

date=$(LC_ALL=C date -R -u ${SOURCE_DATE_EPOCH:+-d "@$SOURCE_DATE_EPOCH"})
printf 'cdsr (%s) unstable; urgency=medium\n\n  * What is new: CHANGELOG.md of the source.\n\n -- %s  %s\n' \
  "$version" "$maintainer" "$date" | gzip -9n >"$packages/changelog.gz"

rm -f "$packages"/*.deb
(cd "$folder" && cpack -G DEB -B "$packages" >"$packages/cpack.log") || {
  cat "$packages/cpack.log" >&2
  exit 1
}
rm -rf "$packages/_CPack_Packages"
ls -l "$packages"/*.deb
lintian --fail-on error,warning --display-info "$packages"/*.deb
