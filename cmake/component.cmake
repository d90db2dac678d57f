# SPDX-License-Identifier: Apache-2.0
#
# What the bench parts `component` and `cslots` run: built when it is asked for.
if(STINT_FLAVOUR MATCHES "^(release|debug)$")
  foreach(program component_calls component_slots)
    add_executable(${program} EXCLUDE_FROM_ALL bench/support/${program}.c)
    target_link_libraries(${program} stint_cli)
    set_target_properties(${program} PROPERTIES
                          RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  endforeach()
endif()
