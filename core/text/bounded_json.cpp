#include "core/text/bounded_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "berth/error.h"

namespace berth::text {
namespace {

constexpr int kDeepest = 64;

}  // namespace

Where place_of(std::string_view text, std::size_t byte, const std::filesystem::path& file) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return {file.string(), line, static_cast<std::int64_t>(before.size() - line_start) + 1};
}

void check_depth(std::string_view text, const std::filesystem::path& file) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDeepest) {
        throw Error(ErrorKind::kContent, place_of(text, i, file),
                    fmt::format("lists and objects are nested more than {} deep: not a model's file", kDeepest));
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

std::string read_bounded(const std::filesystem::path& file, std::uint64_t limit) {
  std::error_code failed;
  const std::uintmax_t size = std::filesystem::file_size(file, failed);
  std::ifstream in(file, std::ios::binary);
  if (failed || !in) {
    throw Error(ErrorKind::kIo, {file.string()}, "can't be read: check that it is a file and that you may read it");
  }
  if (size > limit) {
    throw Error(ErrorKind::kContent, {file.string()},
                fmt::format("has {} bytes, more than the {} that are read: not a tokenizer's file", size, limit));
  }
  std::string text(static_cast<std::size_t>(size), '\0');
  in.read(text.data(), static_cast<std::streamsize>(size));
  if (static_cast<std::uintmax_t>(in.gcount()) != size) {
    throw Error(ErrorKind::kIo, {file.string()},
                fmt::format("only {} of {} bytes could be read: read it again", in.gcount(), size));
  }
  return text;
}

nlohmann::json parse_bounded_json(std::string_view text, const std::filesystem::path& file) {
  check_depth(text, file);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    throw Error(ErrorKind::kContent, place_of(text, error.byte == 0 ? 0 : error.byte - 1, file),
                fmt::format("is not valid JSON: {}", error.what()));
  } catch (const nlohmann::json::exception& error) {  // a number that no double holds
    throw Error(ErrorKind::kContent, {file.string()}, fmt::format("is not valid JSON: {}", error.what()));
  }
}

JsonNode JsonNode::at(const std::string& key) const {
  if (!value_->is_object()) refuse_type("an object");
  const auto found = value_->find(key);
  if (found == value_->end()) refuse(fmt::format("lacks the key \"{}\"", key));
  return {*found, file_, way_.empty() ? key : way_ + "." + key};
}

JsonNode JsonNode::at(std::size_t index) const {
  if (index >= array().size()) refuse(fmt::format("has {} entries, expected more than {}", value_->size(), index));
  return {(*value_)[index], file_, fmt::format("{}[{}]", way_, index)};
}

bool JsonNode::has(const std::string& key) const {
  if (!value_->is_object()) return false;
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

std::string JsonNode::text() const {
  if (!value_->is_string()) refuse_type("a string");
  return value_->get<std::string>();
}

std::int64_t JsonNode::integer() const {
  if (!value_->is_number_integer() || (value_->is_number_unsigned() && value_->get<std::uint64_t>() > INT64_MAX)) {
    refuse_type("a whole number");
  }
  return value_->get<std::int64_t>();
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) refuse_type("true or false");
  return value_->get<bool>();
}

const nlohmann::json& JsonNode::object() const {
  if (!value_->is_object()) refuse_type("an object");
  return *value_;
}

const nlohmann::json& JsonNode::array() const {
  if (!value_->is_array()) refuse_type("a list");
  return *value_;
}

bool JsonNode::boolean_or(const std::string& key, bool otherwise) const {
  return has(key) ? at(key).boolean() : otherwise;
}

void JsonNode::refuse(const std::string& text) const {
  throw Error(ErrorKind::kContent, {file_}, way_.empty() ? text : fmt::format("{}: {}", way_, text));
}

void JsonNode::refuse_type(const char* expected) const {
  refuse(fmt::format("expected {}, found {}", expected, value_->type_name()));
}

}  // namespace berth::text
