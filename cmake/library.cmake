# SPDX-License-Identifier: Apache-2.0
#
# libstint.a, libstint.so and everything that `make install` installs beside the program.
get_property(folders GLOBAL PROPERTY STINT_FOLDERS_BUILT)
list(REMOVE_ITEM folders stint_cli stint_wast stint_app stint_services)
if(NOT folders OR NOT STINT_FLAVOUR MATCHES "^(release|gcc)$")
  return()
endif()
set(objects "")
foreach(folder IN LISTS folders)
  list(APPEND objects $<TARGET_OBJECTS:${folder}>)
endforeach()

# Both libraries are made from machine code, not from bitcode: whoever links libstint.a may have
# another compiler, and libstint.so would cost a second LTO run in each build.
#
# The archive holds one object, in which every symbol that is not public is local: an embedder's own
# buf_init() is not ours. --gc-sections still drops what an embedder does not call.
set(merged ${CMAKE_BINARY_DIR}/stint.o)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
  set(merge_flags -fuse-ld=lld -fno-lto)
endif()
add_custom_command(
  OUTPUT ${merged}
  COMMAND ${CMAKE_C_COMPILER} ${merge_flags} -nostdlib -r -o ${merged} ${objects}
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden -R .llvm.lto ${merged}
  DEPENDS ${folders} ${objects}
  COMMAND_EXPAND_LISTS VERBATIM)
add_library(stint_static STATIC ${merged})
set_target_properties(stint_static PROPERTIES OUTPUT_NAME stint LINKER_LANGUAGE C
                      ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_link_libraries(stint_static INTERFACE m)
set_source_files_properties(${merged} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)

add_library(stint_shared SHARED ${objects})
set_target_properties(stint_shared PROPERTIES OUTPUT_NAME stint LINKER_LANGUAGE C
                      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_link_options(stint_shared PRIVATE -fno-lto -Wl,-z,defs)
target_link_libraries(stint_shared PRIVATE m)

# Man pages and completions come from the program itself (its table of flags).
set(share ${CMAKE_BINARY_DIR}/share)
if(TARGET stint)
  add_custom_command(
    OUTPUT ${share}/.stamp
    COMMAND ${CMAKE_COMMAND} -DSTINT=$<TARGET_FILE:stint> -DSHARE=${share}
            -P ${CMAKE_SOURCE_DIR}/cmake/share.cmake
    COMMAND ${CMAKE_COMMAND} -E touch ${share}/.stamp
    DEPENDS stint cmake/share.cmake VERBATIM)
  add_custom_target(share ALL DEPENDS ${share}/.stamp)
endif()

# What is installed. Paths in stint.pc and the CMake package are relative to where they lie, so that
# one build installs under any prefix.
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/stint)
file(RELATIVE_PATH STINT_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/stint.pc.in ${STINT_GEN_DIR}/stint.pc @ONLY)
configure_package_config_file(cmake/stint-config.cmake.in ${STINT_GEN_DIR}/stint-config.cmake
                              INSTALL_DESTINATION ${package})
write_basic_package_version_file(${STINT_GEN_DIR}/stint-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)

file(GLOB headers CONFIGURE_DEPENDS include/*.h)
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS stint_static stint_shared EXPORT stint-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT stint-targets NAMESPACE stint:: DESTINATION ${package})
install(FILES ${STINT_GEN_DIR}/stint-config.cmake ${STINT_GEN_DIR}/stint-config-version.cmake
        DESTINATION ${package})
install(FILES ${STINT_GEN_DIR}/stint.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
if(TARGET stint)
  install(TARGETS stint RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  # For `stint build`, which tells projects in C where it is.
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/guest/c DESTINATION ${CMAKE_INSTALL_DATADIR}/stint/guest)
  install(DIRECTORY ${share}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL
          FILES_MATCHING PATTERN "*.1")
  install(FILES ${share}/completions/stint.bash OPTIONAL RENAME stint
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
  install(FILES ${share}/completions/_stint OPTIONAL
          DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${share}/completions/stint.fish OPTIONAL
          DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
