#include "berth/kit/json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "berth/kit/text.h"

namespace berth::kit {
namespace {

[[noreturn]] void wrong_type(std::string_view expected, const Json& found) {
  throw Error(ErrorKind::kContent,
              "JSON: expected " + std::string(expected) + ", found " + std::string(found.type_name()));
}

// Line and column (in characters) of a byte of the text, both from 1, counted on from the text's own place.
Where place_of(std::string_view text, std::size_t byte, Where where) {
  const std::string_view before = text.substr(0, std::min(byte, text.size()));
  const std::size_t newline = before.rfind('\n');
  const std::string_view line = newline == std::string_view::npos ? before : before.substr(newline + 1);
  where.line = std::max<std::int64_t>(where.line, 1) + std::count(before.begin(), before.end(), '\n');
  where.column = 1 + std::count_if(line.begin(), line.end(),
                                   [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  return where;
}

[[noreturn]] void fail(const Where& where, const std::string& text) {
  // A text without a file (a line typed by someone) still says where in it the fault is.
  const std::string place =
      where.file.empty() ? "line " + std::to_string(where.line) + ", column " + std::to_string(where.column) + ": "
                         : "";
  throw Error(ErrorKind::kContent, where, place + text);
}

void check_limits(std::string_view text, const Where& where, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    fail(place_of(text, 0, where), "this JSON has " + std::to_string(text.size()) + " bytes; at most " +
                                       std::to_string(limits.max_bytes) + " are read");
  }
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
      if (++depth > limits.max_depth) {
        fail(place_of(text, i, where),
             "this JSON is nested deeper than the " + std::to_string(limits.max_depth) + " levels that are read");
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

// What nlohmann's message says after its "[json.exception.NAME] " and, in most, "parse error at line 1, column 5: ".
std::string plain_reason(std::string_view message) {
  const std::size_t bracket = message.find("] ");
  if (bracket != std::string_view::npos) message.remove_prefix(bracket + 2);
  const std::size_t colon = message.find(": ");
  if (message.starts_with("parse error at") && colon != std::string_view::npos) message.remove_prefix(colon + 2);
  return std::string(message);
}

// Runs over the text and keeps for the builder how far the parser has come, which its events don't say.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}

  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

// Builds the value from the parser's events; nothing here recurses.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string_view text, const Where& where) : text_(text), where_(where), reached_(text.data()) {}

  Json build() {
    nlohmann::json::sax_parse(CountingIterator(text_.data(), &reached_),
                              CountingIterator(text_.data() + text_.size(), &reached_), this);
    return std::move(root_);
  }

  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(number_integer_t value) override { return put(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    return value <= static_cast<number_unsigned_t>(INT64_MAX) ? put(Json(static_cast<std::int64_t>(value)))
                                                              : put(Json(static_cast<double>(value)));
  }
  bool number_float(number_float_t value, const string_t& digits) override {
    (void)digits;
    return put(Json(value));
  }
  bool string(string_t& value) override { return put(Json(std::move(value))); }
  bool binary(binary_t& value) override {
    (void)value;
    return false;  // text has none
  }

  bool start_object(std::size_t size) override {
    (void)size;
    open_.emplace_back().is_object = true;
    return true;
  }
  bool key(string_t& value) override {
    Open& top = open_.back();
    if (!top.keys.insert(value).second) {
      fail(here(), "an object has the key " + quote_for_message(value) + " twice; keep one of them");
    }
    top.members.push_back({std::move(value), Json()});
    return true;
  }
  bool end_object() override {
    Json value(std::move(open_.back().members));
    open_.pop_back();
    return put(std::move(value));
  }
  bool start_array(std::size_t size) override {
    (void)size;
    open_.emplace_back();
    return true;
  }
  bool end_array() override {
    Json value(std::move(open_.back().items));
    open_.pop_back();
    return put(std::move(value));
  }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception& e) override {
    (void)token;
    fail(place_of(text_, position == 0 ? 0 : position - 1, where_),
         "not valid JSON: " + plain_reason(e.what()) + "; correct it");
  }

 private:
  // An array or object whose end has not come yet.
  struct Open {
    bool is_object = false;
    Json::Array items;
    Json::Object members;  // the last one waits for its value
    std::unordered_set<std::string> keys;
  };

  Where here() const {
    const auto read = static_cast<std::size_t>(reached_ - text_.data());
    return place_of(text_, read == 0 ? 0 : read - 1, where_);
  }

  bool put(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().members.back().value = std::move(value);
    } else {
      open_.back().items.push_back(std::move(value));
    }
    return true;
  }

  std::string_view text_;
  Where where_;
  const char* reached_;
  Json root_;
  std::vector<Open> open_;
};

void dump_string(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c :
       find_invalid_utf8(text) == std::string_view::npos ? std::string(text) : replace_invalid_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += kHex[byte >> 4U];
      out += kHex[byte & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

void dump(const Json& value, std::string& out) {
  if (value.is_null()) {
    out += "null";
  } else if (value.is_bool()) {
    out += value.as_bool() ? "true" : "false";
  } else if (value.is_int()) {
    out += std::to_string(value.as_int());
  } else if (value.is_number()) {
    out += std::isfinite(value.as_double()) ? format_number(value.as_double()) : "null";
  } else if (value.is_string()) {
    dump_string(value.as_string(), out);
  } else if (value.is_array()) {
    out += '[';
    for (std::size_t i = 0; i < value.as_array().size(); ++i) {
      if (i > 0) out += ", ";
      dump(value.as_array()[i], out);
    }
    out += ']';
  } else {
    out += '{';
    for (std::size_t i = 0; i < value.as_object().size(); ++i) {
      if (i > 0) out += ", ";
      dump_string(value.as_object()[i].key, out);
      out += ": ";
      dump(value.as_object()[i].value, out);
    }
    out += '}';
  }
}

}  // namespace

// Not in the class: JsonMember, which Json is made of, is complete only after it.
Json::Json(double value) : value_(value) {}
Json::Json(std::string value) : value_(std::move(value)) {}
Json::Json(std::string_view value) : value_(std::string(value)) {}
Json::Json(const char* value) : value_(std::string(value)) {}
Json::Json(Array value) : value_(std::move(value)) {}
Json::Json(Object value) : value_(std::move(value)) {}

bool Json::as_bool() const {
  if (!is_bool()) wrong_type("true or false", *this);
  return std::get<bool>(value_);
}

std::int64_t Json::as_int() const {
  if (!is_int()) wrong_type("an integer", *this);
  return std::get<std::int64_t>(value_);
}

double Json::as_double() const {
  if (!is_number()) wrong_type("a number", *this);
  return is_int() ? static_cast<double>(std::get<std::int64_t>(value_)) : std::get<double>(value_);
}

const std::string& Json::as_string() const {
  if (!is_string()) wrong_type("a string", *this);
  return std::get<std::string>(value_);
}

const Json::Array& Json::as_array() const {
  if (!is_array()) wrong_type("an array", *this);
  return std::get<Array>(value_);
}

const Json::Object& Json::as_object() const {
  if (!is_object()) wrong_type("an object", *this);
  return std::get<Object>(value_);
}

const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const JsonMember& member : as_object()) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  as_object();
  const Json* value = find(key);
  if (value == nullptr) {
    std::vector<std::string> keys;
    for (const JsonMember& member : as_object()) keys.push_back(member.key);
    throw Error(ErrorKind::kContent, "JSON: the object has no key " + quote_for_message(key) + "; found " +
                                         (keys.empty() ? "none" : list_names(keys)) + suggest_name(key, keys));
  }
  return *value;
}

void Json::set(std::string key, Json value) {
  if (is_null()) value_ = Object();
  as_object();
  auto& members = std::get<Object>(value_);
  for (JsonMember& member : members) {
    if (member.key == key) {
      member.value = std::move(value);
      return;
    }
  }
  members.push_back({std::move(key), std::move(value)});
}

std::string_view Json::type_name() const {
  static constexpr std::string_view kNames[] = {"null",     "true or false", "an integer", "a number",
                                                "a string", "an array",      "an object"};
  return kNames[value_.index()];
}

bool Json::operator==(const Json& other) const { return value_ == other.value_; }

Json parse_json(std::string_view text, const Where& where, const JsonLimits& limits) {
  check_limits(text, where, limits);
  const std::size_t broken = find_invalid_utf8(text);
  if (broken != std::string_view::npos) fail(place_of(text, broken, where), "bytes that are not UTF-8");
  return Builder(text, where).build();
}

std::string dump_json(const Json& value) {
  std::string out;
  dump(value, out);
  return out;
}

}  // namespace berth::kit
