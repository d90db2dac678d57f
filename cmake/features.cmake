# SPDX-License-Identifier: Apache-2.0
#
# Features that a build may leave out. A feature is chosen by file, not by #if:
#
#   FEATURE.c, FEATURE_*.c, *_FEATURE.c   built where the feature is on
#   no_FEATURE.c, *_no_FEATURE.c          built in its place where the feature is off
#
# (FEATURE in lower case.) What remains, such as a row of a table, tests STINT_WITH_FEATURE from
# the generated stint_config.h, which is always defined as 0 or 1: `if (STINT_WITH_GC)` in C.
# NATIVE is machine code: images, the handler of their traps, tiers. FIBER is guests that wait without
# a thread. Both need one of two processors.
set(STINT_FEATURES SIMD GC EXCEPTIONS TEXT DWARF NATIVE FIBER)

if(STINT_FLAVOUR STREQUAL "device")
  set(default OFF)
  set(STINT_DEVICE 1)
else()
  set(default ON)
  set(STINT_DEVICE 0)
endif()

set(STINT_FEATURES_OFF "")
foreach(feature IN LISTS STINT_FEATURES)
  option(STINT_WITH_${feature} "Build with ${feature}" ${default})
  if(feature MATCHES "^(NATIVE|FIBER)$" AND
     NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|aarch64)$")
    set(STINT_WITH_${feature} OFF)
  endif()
  if(STINT_WITH_${feature})
    set(config_${feature} 1)
  else()
    set(config_${feature} 0)
    list(APPEND STINT_FEATURES_OFF ${feature})
  endif()
endforeach()

# The interpreter's handlers: with pinned locals, or small; objects and vectors, or none.
set(interp_shapes full)
set(interp_ops_gc gc)
set(interp_ops_simd simd)
set(interp_ops_native native)
set(ops_gc_off none)
set(ops_simd_off none)
if(STINT_DEVICE)
  set(interp_shapes small)
endif()
if(NOT STINT_WITH_GC)
  set(interp_ops_gc none)
  set(ops_gc_off gc)
endif()
if(NOT STINT_WITH_SIMD)
  set(interp_ops_simd none)
  set(ops_simd_off simd)
endif()
if(NOT STINT_WITH_NATIVE)
  set(interp_ops_native none)
endif()

# What `stint run` does unless told. Under the sanitizers the compiler is so slow that it would only
# be waited for.
set(tier_default interp)
if(STINT_WITH_NATIVE AND STINT_FLAVOUR MATCHES "^(release|gcc)$")
  set(tier_default jit)
endif()

set(STINT_GEN_DIR ${CMAKE_BINARY_DIR}/gen)
string(TOLOWER "${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}" STINT_COMPILER)
string(REPLACE "gnu " "gcc " STINT_COMPILER "${STINT_COMPILER}")
configure_file(${CMAKE_SOURCE_DIR}/cmake/stint_config.h.in ${STINT_GEN_DIR}/stint_config.h)

# Takes from the list VAR the files whose names belong to features that this build is without, or
# that stand in for features that it has.
function(stint_choose_files VAR)
  set(files ${${VAR}})
  foreach(feature IN LISTS STINT_FEATURES)
    string(TOLOWER ${feature} f)
    set(stand_in "(^|/|_)no_${f}\\.c$")
    if(feature IN_LIST STINT_FEATURES_OFF)
      set(kept ${files})
      list(FILTER kept INCLUDE REGEX ${stand_in})
      list(FILTER files EXCLUDE REGEX "/(${f}|${f}_[^/]*|[^/]*_${f})\\.c$")
      list(APPEND files ${kept})
    else()
      list(FILTER files EXCLUDE REGEX ${stand_in})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES files)
  set(${VAR} ${files} PARENT_SCOPE)
endfunction()
