// For tests of what is written as text.
#pragma once

#include <cstddef>
#include <string>

namespace berth::report {

// How often the part stands in the text.
inline std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++times;
  return times;
}

}  // namespace berth::report
