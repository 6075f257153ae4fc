// Text as one word of a shell's command line, for commands that a reader copies.
#pragma once

#include <string>

namespace berth::report {

// In quotes where a shell would take it otherwise.
std::string shell_word(const std::string& text);

}  // namespace berth::report
