#include "core/model/json_text.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <vector>

#include "berth/error.h"
#include "core/text/bounded_json.h"

namespace berth::model {
namespace {

constexpr std::size_t kLargestText = std::size_t{64} << 20;

template <typename Json>
Json parse(std::string_view json, const std::string& file) {
  text::check_depth(json, file);
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
    return Json::parse(json.begin(), json.end(), watch);
  } catch (const typename Json::parse_error& error) {
    throw Error(ErrorKind::kContent, text::place_of(json, error.byte == 0 ? 0 : error.byte - 1, file),
                fmt::format("not valid JSON: {}", error.what()));
  } catch (const typename Json::exception& error) {
    throw Error(ErrorKind::kContent, Where{file}, fmt::format("not valid JSON: {}", error.what()));
  }
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& file) { return parse<nlohmann::json>(text, file); }

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& file) {
  return parse<nlohmann::ordered_json>(text, file);
}

std::string one_line(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text;
  std::array<char, 65536> buffer{};
  while (stream) {
    stream.read(buffer.data(), buffer.size());
    text.append(buffer.data(), static_cast<std::size_t>(stream.gcount()));
    if (text.size() > kLargestText) {
      throw Error(ErrorKind::kContent, Where{file.string()},
                  fmt::format("has more than {} MB, which no file of its kind needs", kLargestText >> 20));
    }
  }
  if (!stream.eof()) {
    throw Error(ErrorKind::kIo, Where{file.string()}, fmt::format("can't be read: {}", std::strerror(errno)));
  }
  return text;
}

}  // namespace berth::model
