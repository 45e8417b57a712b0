# CDSR_BUILD_ID: what libcdsr and its CUDA module must have in common. They share C++ types, so both are compiled with the
# id, and a module that has another is refused: version, compiler, and a hash of the headers between them and the flags.

# cdsr_headers(OUT HEADER...): these headers, and those of this project that they include.
function(cdsr_headers out)
  set(open ${ARGN})
  set(found)
  while(open)
    list(POP_FRONT open header)
    if(header IN_LIST found OR header STREQUAL "model/cuda/build_id.h") # which holds the id
      continue()
    endif()
    list(APPEND found "${header}")
    file(STRINGS "${PROJECT_SOURCE_DIR}/${header}" lines REGEX "^#include \"")
    list(TRANSFORM lines REPLACE "^#include \"([^\"]+)\".*" "\\1")
    list(APPEND open ${lines})
  endwhile()
  list(SORT found)
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# What module.h declares, the frames in a GPU, and the errors that cross.
cdsr_headers(headers model/cuda/module.h filter/cuda/device_frames.h model/error.h)
set(text "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_CXX_FLAGS} ${CMAKE_CXX_STANDARD} ${CDSR_SANITIZE}")
foreach(header IN LISTS headers)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${header}")
  file(SHA256 "${PROJECT_SOURCE_DIR}/${header}" hash)
  string(APPEND text " ${header} ${hash}")
endforeach()
string(SHA256 hash "${text}")
string(SUBSTRING "${hash}" 0 16 hash)
set(CDSR_BUILD_ID "${PROJECT_VERSION}, ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}, interface ${hash}")
