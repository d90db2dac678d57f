# SPDX-License-Identifier: Apache-2.0
#
# Runs after the program was linked: has it write its man pages to SHARE/man and its completions
# (stint.bash, _stint, stint.fish) to SHARE/completions.
foreach(job IN ITEMS "gen-man;man" "gen-completions;completions")
  list(GET job 0 verb)
  list(GET job 1 folder)
  file(MAKE_DIRECTORY ${SHARE}/${folder})
  execute_process(COMMAND ${STINT} ${verb} ${SHARE}/${folder} RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "stint ${verb} ended with ${code}")
  endif()
endforeach()
