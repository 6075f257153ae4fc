# A plugin exports one function and nothing else: what it exported besides could replace another library's symbols.
execute_process(COMMAND ${NM} -D --defined-only ${PLUGIN} OUTPUT_VARIABLE symbols RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "${NM} can't read ${PLUGIN}")
endif()
string(REGEX REPLACE "[0-9a-f]+ ([A-Za-z]) ([^\n]+)\n" "\\1 \\2;" symbols "${symbols}")
if(NOT symbols STREQUAL "T berth_create_task;")
  message(FATAL_ERROR "${PLUGIN} exports '${symbols}'; expected 'T berth_create_task;' alone")
endif()
