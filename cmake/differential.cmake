# SPDX-License-Identifier: Apache-2.0
#
# The programs behind tests/differential: one writes random modules, one runs them in this build. The
# fuzz target `exec` makes modules with the same generator.
set(differential ${CMAKE_SOURCE_DIR}/tests/differential)
set(generate_sources ${differential}/generate.c ${differential}/generate_control.c
    ${differential}/generate_object.c ${differential}/generate_value.c)
if(STINT_FLAVOUR STREQUAL "fuzz")
  target_sources(fuzz_exec PRIVATE ${generate_sources})
  return()
endif()
add_executable(execute ${differential}/execute.c)
target_link_libraries(execute stint_api stint_interp stint_runtime stint_wasm stint_os stint_base)
set_target_properties(execute PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
# The program looks for plug-ins beside itself.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
file(CREATE_LINK ../libstint-compiler.so ${CMAKE_BINARY_DIR}/tests/libstint-compiler.so SYMBOLIC)
if(STINT_FLAVOUR MATCHES "^(release|debug)$")
  add_executable(generate ${generate_sources} ${differential}/generate_main.c)
  target_link_libraries(generate stint_wasm stint_base)
  set_target_properties(generate PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()
