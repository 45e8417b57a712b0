# Toolchain of tests/arm64.sh: Debian's cross compiler, its arm64 packages in CDSR_SYSROOT, tests run by qemu.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CDSR_SYSROOT)
set(CMAKE_FIND_ROOT_PATH "${CDSR_SYSROOT}")
set(CMAKE_CROSSCOMPILING_EMULATOR
  "qemu-aarch64-static;-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=${CDSR_SYSROOT}/usr/lib/aarch64-linux-gnu")
