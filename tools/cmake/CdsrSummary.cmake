# One summary at the end of configuring: what was found, and what its absence switches off.

function(cdsr_summary_line label found without)
  if(found)
    message(STATUS "  ${label}: yes")
  else()
    message(STATUS "  ${label}: no (${without})")
  endif()
endfunction()

message(STATUS "CDSR ${PROJECT_VERSION}, ${CMAKE_BUILD_TYPE}, ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
cdsr_summary_line("oneDNN          CPU backend" "${dnnl_FOUND}" "only the slow reference backend")
cdsr_summary_line("CUDA 13         GPU backend" "${CDSR_CUDA_FOUND}" "no libcdsr_cuda.so: backends cpu and reference alone")
cdsr_summary_line("LibTorch        training" "${Torch_FOUND}" "no `cdsr train`, no parity tests with LibTorch")
cdsr_summary_line("FFmpeg libs     image files in the tools" "${LIBAV_FOUND}" "no `cdsr upscale`, `eval` and `train`")
cdsr_summary_line("GStreamer       the element `cdsr`" "${GST_FOUND}" "no element; needs GStreamer 1.22 or newer")
cdsr_summary_line("Tests           GoogleTest" "${CDSR_TESTS}" "no tests")
cdsr_summary_line("Sanitizers      ASan, UBSan" "${CDSR_SANITIZE}" "plain build")
cdsr_summary_line("ccache          faster rebuilds" "${CDSR_CCACHE}" "every build compiles everything")
