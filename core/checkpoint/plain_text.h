// Text that comes from a file, made fit for messages: a terminal obeys none of it, and it is UTF-8 whatever the file
// holds, since error texts go into reports. Used by the readers of this folder.
#pragma once

#include <string>
#include <string_view>

namespace berth::checkpoint {

// Whether it is UTF-8 without control characters (C0, C1 and DEL), so that it can be printed as it is.
bool is_plain_text(std::string_view text);

// In quotes. Each control character is a '?' and each broken byte U+FFFD; cut after 120 bytes, between characters.
std::string in_quotes(std::string_view text);

}  // namespace berth::checkpoint
