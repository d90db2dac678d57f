# SPDX-License-Identifier: Apache-2.0
#
# stint_find_llvm(): LLVM 19 for the compiler plug-in. Sets STINT_LLVM_FOUND, STINT_LLVM_INCLUDE,
# STINT_LLVM_LIBDIR and STINT_LLVM_LIBRARY in the caller's scope. Nothing but the plug-in links it.
option(STINT_WITH_COMPILER "Build libstint-compiler.so where LLVM 19 is installed" ON)
function(stint_find_llvm)
  set(STINT_LLVM_FOUND FALSE PARENT_SCOPE)
  if(NOT STINT_WITH_COMPILER)
    return()
  endif()
  find_program(STINT_LLVM_CONFIG NAMES llvm-config-19 PATHS /usr/lib/llvm-19/bin)
  if(STINT_LLVM_CONFIG)
    foreach(what IN ITEMS includedir libdir)
      execute_process(COMMAND ${STINT_LLVM_CONFIG} --${what} OUTPUT_VARIABLE ${what}
                      OUTPUT_STRIP_TRAILING_WHITESPACE)
    endforeach()
    find_library(STINT_LLVM_LIBRARY NAMES LLVM-19 HINTS ${libdir})
  endif()
  if(NOT STINT_LLVM_LIBRARY OR NOT EXISTS ${includedir}/llvm-c/Core.h)
    message(STATUS "Note: LLVM 19 is missing, so there will be no libstint-compiler.so: `stint "
                   "compile` and tier-up stay without a compiler. Install llvm-19-dev to have it.")
    return()
  endif()
  set(STINT_LLVM_FOUND TRUE PARENT_SCOPE)
  set(STINT_LLVM_INCLUDE ${includedir} PARENT_SCOPE)
  set(STINT_LLVM_LIBDIR ${libdir} PARENT_SCOPE)
endfunction()
