// Small helpers on text that the kit's other pieces, and plugins, share.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::kit {

// Offset of the first byte that is not part of valid UTF-8 (RFC 3629: no surrogates, nothing overlong), or npos.
std::size_t find_invalid_utf8(std::string_view text);

// The text with U+FFFD in place of each maximal broken part (Unicode's recommended practice).
std::string replace_invalid_utf8(std::string_view text);

// Without spaces, tabs and line ends at both sides.
std::string_view trim(std::string_view text);

// The whole text as a finite decimal number ("3", "-0.5", "1e-3"), whatever the locale; nothing where it is not one.
std::optional<double> parse_number(std::string_view text);

// The shortest text that reads back as the same double; a whole number ends in ".0". NaN and infinities as "nan",
// "inf", "-inf".
std::string format_number(double value);

// The known name with the smallest edit distance, or "" if none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

// "'a', 'b', 'c'" for messages; at most `limit` names, then how many more there are.
std::string list_names(const std::vector<std::string>& names, std::size_t limit = 12);

// " (nearest: 'name')" for messages, or "" if none is near.
std::string suggest_name(std::string_view name, const std::vector<std::string>& known);

// The text in quotes for messages: broken UTF-8 replaced, control characters as spaces, at most `limit` bytes.
std::string quote_for_message(std::string_view text, std::size_t limit = 60);

}  // namespace berth::kit
