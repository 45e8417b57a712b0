# Debian packages, one for each component of the installation: tools/dev/packages/build.sh makes them.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME cdsr)
set(CPACK_PACKAGE_VENDOR "The CDSR authors")
# Empty: CPack would put it above each package's own synopsis.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CDSR_MAINTAINER "The CDSR authors <cdsr@packages.invalid>" CACHE STRING "Maintainer of Debian packages")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "${CDSR_MAINTAINER}")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
set(CPACK_COMPONENTS_ALL)

get_target_property(soversion cdsr SOVERSION)
set(library "libcdsr${soversion}")
set(same "(= ${PROJECT_VERSION})")

string(CONCAT what
  "CDSR estimates once a shot what is wrong with a video, its blur, noise and\n"
  "compression, and upscales every frame by a network that this estimate steers.\n")

# A package out of the component of this name: what it is called, section, what it depends on, what it is.
function(cdsr_package component name section depends synopsis text)
  string(TOUPPER "${component}" id)
  set(CPACK_DEBIAN_${id}_PACKAGE_NAME "${name}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_PACKAGE_SECTION "${section}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_PACKAGE_DEPENDS "${depends}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_DESCRIPTION "${synopsis}\n${what}${text}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${id}_PACKAGE_SHLIBDEPS ON PARENT_SCOPE)
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${component} PARENT_SCOPE)
  install(FILES "${PROJECT_SOURCE_DIR}/tools/dev/packages/copyright"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${name}" COMPONENT ${component})
  install(FILES "${CMAKE_BINARY_DIR}/packages/changelog.gz"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${name}" COMPONENT ${component} OPTIONAL)
endfunction()

cdsr_package(libcdsr ${library} libs "cdsr-models ${same}" "video super-resolution, shared library"
  "This package has the library.")
# What other packages depend on that are linked with it. CPack makes it for all packages or none, and has none for a plugin.
file(WRITE "${CMAKE_BINARY_DIR}/packages/shlibs" "libcdsr ${soversion} ${library} (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_LIBCDSR_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/tools/dev/packages/triggers"
    "${CMAKE_BINARY_DIR}/packages/shlibs")
install(FILES "${PROJECT_SOURCE_DIR}/tools/dev/packages/libcdsr.lintian-overrides"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/lintian/overrides" RENAME "${library}" COMPONENT libcdsr)
cdsr_package(libcdsr-dev libcdsr-dev libdevel "${library} ${same}" "video super-resolution, development files"
  "This package has what programs are compiled with: headers, pkg-config and CMake\nfiles.")
cdsr_package(cdsr-models cdsr-models science "" "video super-resolution, trained networks"
  "This package has the networks.")
set(CPACK_DEBIAN_CDSR-MODELS_PACKAGE_ARCHITECTURE all)
cdsr_package(cdsr cdsr video "${library} ${same}" "video super-resolution, the program"
  "This package has the program: pictures, whole films, measurements.")
set(CPACK_DEBIAN_CDSR_PACKAGE_SUGGESTS "cdsr-ffmpeg, gstreamer1.0-cdsr")
if(TARGET gstcdsr)
  cdsr_package(gstreamer1.0-cdsr gstreamer1.0-cdsr video "${library} ${same}" "video super-resolution for GStreamer"
    "This package has the element for GStreamer.")
endif()
cdsr_package(cdsr-ffmpeg cdsr-ffmpeg video "${library} ${same}" "video super-resolution: FFmpeg with the filter"
  "This package has FFmpeg with the filter, as cdsr-ffmpeg, beside the\ndistribution's.")
# What filter/ffmpeg/build.sh has built. It finds libcdsr where it is installed, not where it was built.
install(PROGRAMS "${CMAKE_BINARY_DIR}/ffmpeg/bin/ffmpeg" DESTINATION "${CMAKE_INSTALL_BINDIR}" RENAME cdsr-ffmpeg
        COMPONENT cdsr-ffmpeg OPTIONAL)
install(CODE [[
  set(program "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/bin/cdsr-ffmpeg")
  if(EXISTS "${program}")
    file(RPATH_REMOVE FILE "${program}")
  endif()]] COMPONENT cdsr-ffmpeg)
install(FILES "${PROJECT_SOURCE_DIR}/tools/dev/packages/cdsr-ffmpeg.1" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1"
        COMPONENT cdsr-ffmpeg)

set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/CdsrPackedPages.cmake")
include(CPack)
