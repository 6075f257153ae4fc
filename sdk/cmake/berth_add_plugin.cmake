# berth_add_plugin(NAME SOURCES file...): a plugin NAME.so that links berth::sdk, berth::kit and LibTorch alone and exports
# one function.
set(BERTH_PLUGIN_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/plugin.map CACHE INTERNAL "")

function(berth_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT_DIRECTORY" "SOURCES")
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "berth_add_plugin(${name}): no SOURCES")
  endif()
  if(NOT arg_OUTPUT_DIRECTORY)
    set(arg_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/plugins)
  endif()
  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(
    ${name}
    PROPERTIES PREFIX ""
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               LIBRARY_OUTPUT_DIRECTORY ${arg_OUTPUT_DIRECTORY}
               LINK_DEPENDS ${BERTH_PLUGIN_VERSION_SCRIPT})
  target_compile_options(${name} PRIVATE -fno-gnu-unique)
  target_link_libraries(${name} PRIVATE berth::sdk $<TARGET_NAME_IF_EXISTS:berth::kit>)
  target_link_options(${name} PRIVATE -Wl,-z,now -Wl,--version-script=${BERTH_PLUGIN_VERSION_SCRIPT})
  if(NOT BERTH_SANITIZE)  # a sanitizer's runtime is left to the host to bring
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
