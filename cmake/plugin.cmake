# SPDX-License-Identifier: Apache-2.0
#
# stint_plugin(NAME SOURCES file... INCLUDES folder... LIBRARIES library...)
#
# libstint-NAME.so: a module that the program loads when it is needed, and the only thing that links these
# libraries.
function(stint_plugin name)
  cmake_parse_arguments(PLUGIN "" "" "SOURCES;INCLUDES;LIBRARIES" ${ARGN})
  set(target stint_${name}_plugin)
  add_library(${target} MODULE ${PLUGIN_SOURCES})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME stint-${name}
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_include_directories(${target} SYSTEM PRIVATE ${PLUGIN_INCLUDES})
  target_link_libraries(${target} PRIVATE ${PLUGIN_LIBRARIES})
  if(NOT STINT_FLAVOUR STREQUAL "debug") # the sanitizers' functions are in the program
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
  install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/stint)
endfunction()
