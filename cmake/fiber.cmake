# SPDX-License-Identifier: Apache-2.0
#
# What fibers cost: the program of the bench part `fiber`.
if(STINT_FLAVOUR MATCHES "^(release|debug|gcc)$")
  add_executable(fiber_costs EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/support/fiber_costs.c)
  target_link_libraries(fiber_costs stint_cli)
  set_target_properties(fiber_costs PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
endif()
