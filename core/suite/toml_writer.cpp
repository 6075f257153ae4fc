#include "core/suite/toml_writer.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>

namespace berth::suite {
namespace {

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string join_array(const ConfigArray& array) {
  std::string text = "[";
  for (const auto& value : array.values) text += (text.size() > 1 ? ", " : "") + to_toml(value);
  return text + "]";
}

std::string join_table(const ConfigTable& table) {
  if (table.entries.empty()) return "{}";
  std::string text = "{";
  for (const auto& entry : table.entries) {
    text += (text.size() > 1 ? ", " : " ") + toml_key(entry.key) + " = " + to_toml(entry.value);
  }
  return text + " }";
}

}  // namespace

std::string to_toml(bool value) { return value ? "true" : "false"; }

std::string to_toml(std::int64_t value) { return fmt::format("{}", value); }

std::string to_toml(double value) {
  auto text = fmt::format("{}", value);
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

std::string to_toml(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    switch (c) {
      case '"':
        text += "\\\"";
        break;
      case '\\':
        text += "\\\\";
        break;
      case '\n':
        text += "\\n";
        break;
      case '\t':
        text += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          text += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        } else {
          text += c;
        }
    }
  }
  return text + "\"";
}

std::string to_toml(const ConfigValue& value) {
  struct Writer {
    std::string operator()(const ConfigArray& array) const { return join_array(array); }
    std::string operator()(const ConfigTable& table) const { return join_table(table); }
    std::string operator()(bool v) const { return to_toml(v); }
    std::string operator()(std::int64_t v) const { return to_toml(v); }
    std::string operator()(double v) const { return to_toml(v); }
    std::string operator()(const std::string& v) const { return to_toml(v); }
  };
  return std::visit(Writer{}, value.value);
}

std::string toml_key(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), is_bare) ? std::string(key) : to_toml(key);
}

bool is_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    utf8proc_int32_t code = 0;
    const auto length = utf8proc_iterate(at, left, &code);
    if (length <= 0) return false;
    at += length;
    left -= length;
  }
  return true;
}

}  // namespace berth::suite
