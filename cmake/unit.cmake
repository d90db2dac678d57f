# SPDX-License-Identifier: Apache-2.0
#
# One test program per tests/unit/*.c, in tests/ of the build directory. They are not part of the
# default target, so that a test that does not compile yet keeps nobody from building the program.
file(GLOB unit_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/*.c)
add_custom_target(unit)
foreach(source IN LISTS unit_sources)
  get_filename_component(name ${source} NAME_WE)
  add_executable(unit_${name} EXCLUDE_FROM_ALL ${source})
  target_include_directories(unit_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/unit)
  target_link_libraries(unit_${name} stint_services stint_cli stint_http
                        $<$<TARGET_EXISTS:stint_compiler>:stint_compiler>)
  set_target_properties(unit_${name} PROPERTIES OUTPUT_NAME ${name}
                        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(unit unit_${name})
endforeach()
