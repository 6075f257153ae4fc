// JSON from files that nobody vouches for: nesting is bounded before the parser, which recurses, sees it, and a key
// that stands twice is an error instead of a silent choice.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace berth::model {

// file: named in errors. Throws Error kContent for text that is not JSON, nested deeper than 64 or with a key twice.
nlohmann::json parse_json(std::string_view text, const std::string& file);

// The same, keeping the order of keys: for what is written back. Slow with many keys.
nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& file);

// On one line; bytes that are not UTF-8 become U+FFFD.
std::string one_line(const nlohmann::ordered_json& value);

// The file's bytes. Throws Error kIo where it can't be read, kContent where it has more than 64 MB.
std::string read_text(const std::filesystem::path& file);

}  // namespace berth::model
