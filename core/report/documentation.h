// Pages of the documentation that messages name: where a page lies on this machine. Called where a failure has a page
// of its own (out of memory, a task that learned nothing).
#pragma once

#include <string>
#include <string_view>

namespace berth::report {

inline constexpr std::string_view kLowScorePage = "why-is-my-score-low.md";
inline constexpr std::string_view kOutOfMemoryPage = "out-of-memory.md";

// "see PATH", of the page beside the program where it was built, in share/doc/berth where it is installed; without
// either, "see PAGE in berth's documentation". Throws nothing but std::bad_alloc.
std::string see(std::string_view page);

}  // namespace berth::report
