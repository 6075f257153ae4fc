#include "core/model/json_text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <vector>

#include "berth/error.h"

namespace berth::model {
namespace {

constexpr int kMaxDepth = 64;

void check_depth(std::string_view text, const std::string& file) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > kMaxDepth) {
        throw Error(ErrorKind::kContent, Where{file},
                    fmt::format("JSON nested deeper than {} levels (at byte {})", kMaxDepth, i));
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
}

template <typename Json>
Json parse(std::string_view text, const std::string& file) {
  check_depth(text, file);
  std::vector<std::set<std::string>> keys;  // of each object that is open
  const auto watch = [&](int, typename Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.template get<std::string>()).second) {
      throw Error(ErrorKind::kContent, Where{file},
                  fmt::format("the key {} stands twice in one JSON object", value.dump()));
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), watch);
  } catch (const typename Json::exception& error) {
    throw Error(ErrorKind::kContent, Where{file}, fmt::format("not valid JSON: {}", error.what()));
  }
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& file) { return parse<nlohmann::json>(text, file); }

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& file) {
  return parse<nlohmann::ordered_json>(text, file);
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  std::array<char, 65536> buffer{};
  while (stream) {
    stream.read(buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (!stream.eof()) {
    throw Error(ErrorKind::kIo, Where{file.string()}, fmt::format("can't be read: {}", std::strerror(errno)));
  }
  return text;
}

}  // namespace berth::model
