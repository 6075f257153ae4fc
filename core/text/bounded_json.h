// Reads a JSON file of a model folder into nlohmann's type, refusing first what would exhaust memory or the stack. Used
// by load_tokenizer and model/json_text.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "berth/error.h"

namespace berth::text {

// The whole file. Throws Error kIo where it can't be read, kContent where it is larger than `limit` bytes.
std::string read_bounded(const std::filesystem::path& file, std::uint64_t limit);

// Line and column of a byte of a file's text.
Where place_of(std::string_view text, std::size_t byte, const std::filesystem::path& file);

// Throws Error kContent where lists and objects are nested deeper than 64 levels: a parser that recurses must not see
// them.
void check_depth(std::string_view text, const std::filesystem::path& file);

// Throws Error kContent, with line and column, for what is not JSON or is nested deeper than 64 levels.
nlohmann::json parse_bounded_json(std::string_view text, const std::filesystem::path& file);

// A value of a JSON file with its way there ("model.vocab"), so that messages can name it.
class JsonNode {
 public:
  JsonNode(const nlohmann::json& value, const std::filesystem::path& file) : value_(&value), file_(file.string()) {}

  // The member; throws Error kContent where there is none.
  JsonNode at(const std::string& key) const;
  JsonNode at(std::size_t index) const;
  bool has(const std::string& key) const;  // false for null
  bool is_null() const { return value_->is_null(); }
  bool is_string() const { return value_->is_string(); }
  bool is_object() const { return value_->is_object(); }

  std::string text() const;
  std::int64_t integer() const;
  bool boolean() const;
  const nlohmann::json& object() const;
  const nlohmann::json& array() const;
  bool boolean_or(const std::string& key, bool otherwise) const;

  // Throws Error kContent: file, way, the text.
  [[noreturn]] void refuse(const std::string& text) const;

 private:
  JsonNode(const nlohmann::json& value, std::string file, std::string way)
      : value_(&value), file_(std::move(file)), way_(std::move(way)) {}
  [[noreturn]] void refuse_type(const char* expected) const;

  const nlohmann::json* value_;
  std::string file_;
  std::string way_;
};

}  // namespace berth::text
