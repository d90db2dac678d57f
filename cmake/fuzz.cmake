# SPDX-License-Identifier: Apache-2.0
#
# One libFuzzer program per tests/fuzz/fuzz_*.c.
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
foreach(source IN LISTS fuzz_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} ${source})
  target_link_libraries(${name} stint_cli stint_http $<$<STREQUAL:${name},fuzz_server>:stint_http_server>)
  # libFuzzer calls LLVMFuzzerTestOneInput, and has no header for it.
  target_compile_options(${name} PRIVATE -Wno-missing-prototypes)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endforeach()
