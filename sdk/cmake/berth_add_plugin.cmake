# berth_add_plugin(NAME SOURCES file... [OUTPUT_DIRECTORY folder])
#
# A plugin NAME.so that links berth::sdk (headers), berth::kit (ready-made pieces) and LibTorch alone, and exports one
# function. It goes to OUTPUT_DIRECTORY, else to BERTH_PLUGIN_DIRECTORY where that is set, else to the build folder.
set(BERTH_PLUGIN_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/plugin.map CACHE INTERNAL "")

function(berth_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT_DIRECTORY" "SOURCES")
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "berth_add_plugin(${name}): no SOURCES")
  endif()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "berth_add_plugin(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_OUTPUT_DIRECTORY)
    set(arg_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    if(BERTH_PLUGIN_DIRECTORY)
      set(arg_OUTPUT_DIRECTORY ${BERTH_PLUGIN_DIRECTORY})
    endif()
  endif()
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(
    ${name}
    PROPERTIES PREFIX ""
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               LIBRARY_OUTPUT_DIRECTORY ${arg_OUTPUT_DIRECTORY}
               LINK_DEPENDS ${BERTH_PLUGIN_VERSION_SCRIPT})
  # No unique symbols: they would keep two plugins from having their own copies of inline code.
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_link_libraries(${name} PRIVATE berth::sdk berth::kit)
  # -z now: a symbol that is missing fails the load, not some later call. -z defs: it fails the link already.
  target_link_options(${name} PRIVATE -Wl,-z,now -Wl,--version-script=${BERTH_PLUGIN_VERSION_SCRIPT})
  if(NOT BERTH_SANITIZE)  # a sanitizer's runtime is left to the host to bring
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()

# berth_test_plugin(NAME SUITE file): a test NAME.valid, `berth validate-plugin` with a suite that has a task of the
# plugin. The program is BERTH_PROGRAM, which find_package(berth) sets.
function(berth_test_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SUITE" "")
  if(NOT arg_SUITE OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "berth_test_plugin(${name}): expected SUITE and a file")
  endif()
  add_test(NAME ${name}.valid COMMAND ${BERTH_PROGRAM} validate-plugin $<TARGET_FILE:${name}> --suite ${arg_SUITE}
           WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
endfunction()
