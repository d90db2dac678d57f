# SPDX-License-Identifier: Apache-2.0
#
# The host of one HTTP request behind tests/http.
if(STINT_FLAVOUR MATCHES "^(release|debug|gcc)$")
  add_executable(http_host ${CMAKE_SOURCE_DIR}/tests/http/host.c)
  target_link_libraries(http_host stint_wasi stint_interp stint_component stint_runtime stint_wasm
                        stint_os stint_base)
  set_target_properties(http_host PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()
