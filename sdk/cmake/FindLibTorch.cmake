# Finds LibTorch and links its three libraries directly: the CMake config that comes with a CUDA build stops without a
# CUDA toolkit, and adds flags that berth does not need. Looked for, in this order:
#   1. Torch_DIR (the folder of TorchConfig.cmake) or LIBTORCH_ROOT (the folder with include/ and lib/)
#   2. CMAKE_PREFIX_PATH
#   3. a torch that Python has: the project's own virtual environment (build/deps/venv) first, then python3
# Gives LibTorch::LibTorch, LibTorch_VERSION, LibTorch_ROOT_DIR. Downloads nothing.

set(_hints)
if(LIBTORCH_ROOT)
  list(APPEND _hints ${LIBTORCH_ROOT})
endif()
if(DEFINED ENV{LIBTORCH_ROOT})
  list(APPEND _hints $ENV{LIBTORCH_ROOT})
endif()
if(Torch_DIR)
  get_filename_component(_root ${Torch_DIR}/../../.. ABSOLUTE)
  list(APPEND _hints ${_root})
endif()
foreach(_prefix ${CMAKE_PREFIX_PATH})
  list(APPEND _hints ${_prefix} ${_prefix}/../..)  # torch.utils.cmake_prefix_path ends in share/cmake
endforeach()
foreach(_python ${CMAKE_SOURCE_DIR}/build/deps/venv/bin/python python3)
  execute_process(
    COMMAND ${_python} -c
            "import importlib.util as u, os; s = u.find_spec('torch'); print(os.path.dirname(s.origin) if s else '')"
    OUTPUT_VARIABLE _root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE _failed)
  if(NOT _failed AND _root)
    list(APPEND _hints ${_root})
  endif()
endforeach()

# What was found is kept, but for where it was asked for elsewhere.
set(_asked "${LIBTORCH_ROOT};$ENV{LIBTORCH_ROOT};${Torch_DIR}")
if(NOT "${_asked}" STREQUAL "${LibTorch_ASKED_FOR}")
  foreach(_entry INCLUDE_DIR torch torch_cpu torch_cuda c10)
    unset(LibTorch_${_entry} CACHE)
  endforeach()
endif()
set(LibTorch_ASKED_FOR "${_asked}" CACHE INTERNAL "")

# The hints in their order, before the folders that CMake looks in by itself.
find_path(LibTorch_INCLUDE_DIR torch/csrc/autograd/custom_function.h PATHS ${_hints} PATH_SUFFIXES include
          NO_DEFAULT_PATH)
find_path(LibTorch_INCLUDE_DIR torch/csrc/autograd/custom_function.h PATH_SUFFIXES include)
if(LibTorch_INCLUDE_DIR)
  get_filename_component(LibTorch_ROOT_DIR ${LibTorch_INCLUDE_DIR} DIRECTORY)
  foreach(_file torch/headeronly/version.h torch/csrc/api/include/torch/version.h torch/version.h)
    if(EXISTS ${LibTorch_INCLUDE_DIR}/${_file} AND NOT LibTorch_VERSION)
      file(STRINGS ${LibTorch_INCLUDE_DIR}/${_file} _lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
      string(REGEX REPLACE "[^0-9;]" "" _lines "${_lines}")
      string(REPLACE ";" "." LibTorch_VERSION "${_lines}")
    endif()
  endforeach()
endif()
foreach(_library torch torch_cpu c10)
  find_library(LibTorch_${_library} ${_library} HINTS ${LibTorch_ROOT_DIR} PATH_SUFFIXES lib NO_DEFAULT_PATH)
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  LibTorch
  REQUIRED_VARS LibTorch_torch_cpu LibTorch_torch LibTorch_c10 LibTorch_INCLUDE_DIR
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE
    "berth needs LibTorch 2.7 or newer: 'apps/setup' installs it into build/deps, or give -DLIBTORCH_ROOT=FOLDER (the one with include/ and lib/)")

# Of a LibTorch for CUDA: the operations of a GPU. For whoever computes there, plugins need nothing of it.
find_library(LibTorch_torch_cuda torch_cuda HINTS ${LibTorch_ROOT_DIR} PATH_SUFFIXES lib NO_DEFAULT_PATH)

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  set_target_properties(
    LibTorch::LibTorch
    PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIR};${LibTorch_INCLUDE_DIR}/torch/csrc/api/include"
               INTERFACE_LINK_LIBRARIES "${LibTorch_torch};${LibTorch_torch_cpu};${LibTorch_c10}")
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR LibTorch_torch LibTorch_torch_cpu LibTorch_torch_cuda LibTorch_c10)
