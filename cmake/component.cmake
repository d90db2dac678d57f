# SPDX-License-Identifier: Apache-2.0
#
# What the bench part `component` runs: built when it is asked for.
if(STINT_FLAVOUR MATCHES "^(release|debug)$")
  add_executable(component_calls EXCLUDE_FROM_ALL bench/support/component_calls.c)
  target_link_libraries(component_calls stint_cli)
  set_target_properties(component_calls PROPERTIES
                        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()
