#include "core/platform/program_path.h"

#include <system_error>

namespace berth::platform {

std::filesystem::path program_path() {
  std::error_code failed;
  auto path = std::filesystem::read_symlink("/proc/self/exe", failed);
  return failed ? std::filesystem::path() : path;
}

}  // namespace berth::platform
