// A small JSON value, so that tasks can read and write JSON without a library of their own. Objects keep the order of
// their keys.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "berth/error.h"

namespace berth::kit {

struct JsonMember;

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<JsonMember>;

  Json() = default;  // null
  template <std::integral T>
  Json(T value);  // a boolean of a bool, else an integer
  Json(double value);
  Json(std::string value);
  Json(std::string_view value);
  Json(const char* value);
  Json(Array value);
  Json(Object value);

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // Each throws Error kContent that says what was found where the value is of another type. as_double() takes integers.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_double() const;
  const std::string& as_string() const;
  const Array& as_array() const;
  const Object& as_object() const;

  // The member of an object, or null where there is none; null too on what is no object.
  const Json* find(std::string_view key) const;
  // As find(), but throws Error kContent where there is none.
  const Json& at(std::string_view key) const;
  // Adds the member, or replaces the one of that key. A null value becomes an object first.
  void set(std::string key, Json value);

  std::string_view type_name() const;  // "a string", "an array"... for messages

  bool operator==(const Json& other) const;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

struct JsonMember {
  std::string key;
  Json value;

  bool operator==(const JsonMember& other) const = default;
};

// Here, where JsonMember is complete: Clang looks into the variant as soon as it sees the body.
template <std::integral T>
Json::Json(T value) {
  if constexpr (std::same_as<T, bool>) {
    value_ = value;
  } else {
    value_ = static_cast<std::int64_t>(value);
  }
}

struct JsonLimits {
  std::size_t max_bytes = std::size_t{64} << 20;
  int max_depth = 100;
};

// `where` is the place of the text's first line, for messages. Throws Error kContent with line and column for what is
// not JSON, a key that an object has twice, bytes that are not UTF-8, and text beyond the limits, which are checked
// before the parser sees it. Integers beyond 64 bits become doubles.
Json parse_json(std::string_view text, const Where& where = {}, const JsonLimits& limits = {});

// One line of UTF-8. Broken UTF-8 in strings becomes U+FFFD; doubles are as short as reads back exactly; NaN and the
// infinities, which JSON lacks, become null.
std::string dump_json(const Json& value);

}  // namespace berth::kit
