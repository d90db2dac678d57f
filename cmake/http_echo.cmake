# SPDX-License-Identifier: Apache-2.0
#
# A program that serves fixed answers through src/http's server, for tests/http and bench/run http.
if(TARGET stint_http_server AND NOT STINT_FLAVOUR STREQUAL "fuzz")
  add_executable(http_echo ${CMAKE_SOURCE_DIR}/tests/http/echo.c)
  target_link_libraries(http_echo stint_http_server)
  set_target_properties(http_echo PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  # It looks for plug-ins beside itself.
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  file(CREATE_LINK ../libstint-tls.so ${CMAKE_BINARY_DIR}/tests/libstint-tls.so SYMBOLIC)
  if(TARGET stint_tls_plugin)
    add_dependencies(http_echo stint_tls_plugin)
  endif()
endif()
