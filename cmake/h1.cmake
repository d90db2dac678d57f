# SPDX-License-Identifier: Apache-2.0
#
# The HTTP/1.1 parser alone: what tests/http/llhttp.py drives, and what the bench part `h1` runs.
if(STINT_FLAVOUR MATCHES "^(release|debug|gcc)$")
  add_executable(h1_driver ${CMAKE_SOURCE_DIR}/tests/http/h1_driver.c)
  add_executable(h1_speed EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/support/h1_speed.c)
  foreach(program IN ITEMS h1_driver h1_speed)
    target_link_libraries(${program} stint_http)
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  endforeach()
endif()
