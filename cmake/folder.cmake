# SPDX-License-Identifier: Apache-2.0
#
# stint_folder(NAME [USES folder…] [SKIP name.c…] [DEVICE_WITHOUT glob…])
#
# Declares the library stint_NAME from the .c files of the current folder. USES lists the folders
# that it may call, SKIP the files that belong to no library (a main), DEVICE_WITHOUT what the device
# build leaves out beside the files that features.cmake names. A folder without a source file is an
# empty library. New files need no change here: the build looks for them each time.
function(stint_folder NAME)
  cmake_parse_arguments(arg "" "" "USES;SKIP;DEVICE_WITHOUT" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  foreach(skip IN LISTS arg_SKIP)
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${skip})
  endforeach()
  if(STINT_DEVICE)
    foreach(glob IN LISTS arg_DEVICE_WITHOUT)
      file(GLOB without ${CMAKE_CURRENT_SOURCE_DIR}/${glob})
      list(REMOVE_ITEM sources ${without})
    endforeach()
  endif()
  stint_choose_files(sources)

  set(target stint_${NAME})
  if(sources)
    add_library(${target} STATIC ${sources})
    set(scope PUBLIC)
    set_property(GLOBAL APPEND PROPERTY STINT_FOLDERS_BUILT ${target})
  else()
    add_library(${target} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${target} ${scope} ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include
                             ${STINT_GEN_DIR})
  foreach(used IN LISTS arg_USES)
    target_link_libraries(${target} ${scope} stint_${used})
  endforeach()
endfunction()
