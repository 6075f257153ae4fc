// Where this program's own file lies, for what is found beside it: plugins, templates, documentation.
#pragma once

#include <filesystem>

namespace berth::platform {

// Absolute; empty where the system doesn't tell.
std::filesystem::path program_path();

}  // namespace berth::platform
