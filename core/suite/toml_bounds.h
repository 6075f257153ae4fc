// Bounds on a TOML text, looked at before it is parsed: toml++ 3.3 overflows the stack on very long dotted keys.
#pragma once

#include <string_view>

#include "berth/error.h"

namespace berth::suite {

inline constexpr std::size_t kMaxTomlBytes = std::size_t{4} << 20;
inline constexpr int kMaxTomlDepth = 64;  // segments of a dotted key; brackets within brackets

// Throws Error kConfig (in `file`, with line and column) where a bound is broken. What is not valid TOML is left for
// the parser to find.
void check_toml_bounds(std::string_view text, const std::string& file);

}  // namespace berth::suite
