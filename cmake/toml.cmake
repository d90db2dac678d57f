# SPDX-License-Identifier: Apache-2.0
#
# The TOML reader alone: what tests/toml/run drives.
if(STINT_FLAVOUR MATCHES "^(release|debug|gcc)$")
  add_executable(toml_driver ${CMAKE_SOURCE_DIR}/tests/toml/toml_driver.c)
  target_link_libraries(toml_driver stint_base)
  set_target_properties(toml_driver PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()
