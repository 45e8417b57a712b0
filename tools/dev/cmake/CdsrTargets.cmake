# What all targets share: language level, warnings, sanitizers, output folders, ccache.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

find_program(CDSR_CCACHE ccache)
if(CDSR_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${CDSR_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CDSR_CCACHE}")
endif()

add_library(cdsr_flags INTERFACE)
target_compile_options(cdsr_flags INTERFACE
  "$<$<COMPILE_LANGUAGE:C,CXX>:-Wall;-Wextra;$<$<BOOL:${CDSR_WERROR}>:-Werror>>"
  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall;-Xcompiler=-Wextra;$<$<BOOL:${CDSR_WERROR}>:-Werror=all-warnings>>")
# Includes are spelled from the project's root: "model/config.h".
target_include_directories(cdsr_flags INTERFACE "${PROJECT_SOURCE_DIR}")
if(CDSR_SANITIZE)
  if(CDSR_SANITIZE STREQUAL "address")
    set(CDSR_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  elseif(CDSR_SANITIZE STREQUAL "thread")
    set(CDSR_SANITIZE_FLAGS -fsanitize=thread)
  else()
    message(FATAL_ERROR "CDSR_SANITIZE is '${CDSR_SANITIZE}', must be address, thread or empty")
  endif()
  target_compile_options(cdsr_flags INTERFACE "$<$<COMPILE_LANGUAGE:C,CXX>:${CDSR_SANITIZE_FLAGS};-fno-omit-frame-pointer>")
  target_link_options(cdsr_flags INTERFACE ${CDSR_SANITIZE_FLAGS})
endif()
