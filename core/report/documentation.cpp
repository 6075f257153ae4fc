#include "core/report/documentation.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "core/platform/program_path.h"

namespace berth::report {
namespace fs = std::filesystem;

std::string see(std::string_view page) {
  const auto program = platform::program_path();
  for (const auto* folder : {"docs", "../share/doc/berth/apps/docs"}) {
    if (program.empty()) break;
    std::error_code missing;
    const auto file = fs::canonical(program.parent_path() / folder / page, missing);
    if (!missing) return fmt::format("see {}", file.string());
  }
  return fmt::format("see {} in berth's documentation", page);
}

}  // namespace berth::report
