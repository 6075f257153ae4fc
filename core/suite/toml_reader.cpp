#include "core/suite/toml_reader.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "core/suite/toml_bounds.h"
#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

// From toml++'s tree to ours.
class Converter {
 public:
  explicit Converter(const std::string& file) : file_(file) {}

  // toml++ keeps tables sorted by key; the positions of the keys give the file's order back.
  ConfigTable table(const toml::table& source, int depth = 0) const {
    if (depth > kMaxTomlDepth) refuse_depth(source);
    std::vector<std::pair<const toml::key*, const toml::node*>> items;
    for (const auto& [key, node] : source) items.emplace_back(&key, &node);
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
      const auto& x = a.first->source().begin;
      const auto& y = b.first->source().begin;
      return std::tie(x.line, x.column) < std::tie(y.line, y.column);
    });
    ConfigTable result;
    result.where = where(source.source());
    for (const auto& [key, node] : items) {
      result.entries.push_back({std::string(key->str()), value(*node, depth + 1), where(key->source())});
    }
    return result;
  }

 private:
  Where where(const toml::source_region& region) const {
    return {file_, static_cast<std::int64_t>(region.begin.line), static_cast<std::int64_t>(region.begin.column)};
  }

  [[noreturn]] void refuse_depth(const toml::node& node) const {
    throw Error(ErrorKind::kConfig, where(node.source()),
                fmt::format("tables and arrays are nested more than {} deep; write less", kMaxTomlDepth));
  }

  ConfigArray array(const toml::array& source, int depth) const {
    if (depth > kMaxTomlDepth) refuse_depth(source);
    ConfigArray result;
    for (const auto& element : source) result.values.push_back(value(element, depth + 1));
    return result;
  }

  ConfigValue value(const toml::node& node, int depth) const {
    const auto place = where(node.source());
    if (const auto* v = node.as_table()) return {table(*v, depth), place};
    if (const auto* v = node.as_array()) return {array(*v, depth), place};
    if (const auto* v = node.as_boolean()) return {v->get(), place};
    if (const auto* v = node.as_integer()) return {v->get(), place};
    if (const auto* v = node.as_floating_point()) return {v->get(), place};
    if (const auto* v = node.as_string()) return {v->get(), place};
    throw Error(ErrorKind::kConfig, place,
                "no key of a suite takes a date or time; put it in quotes to make it a string");
  }

  const std::string& file_;
};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The position of the first '=' that is not inside quotes.
std::size_t find_equals(std::string_view text) {
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '"' && c == '\\') {
      ++i;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '=') {
      return i;
    }
  }
  return std::string_view::npos;
}

// "tasks.\"a b\".weight" to its parts, by TOML's own rules.
std::vector<std::string> parse_key_path(std::string_view key, const Where& where) {
  const Error not_a_key(ErrorKind::kConfig, where,
                        fmt::format("'{}' is not a key; write section.key=value, with quotes around a part that has "
                                    "other characters than A-Z, a-z, 0-9, '_' and '-'",
                                    key));
  if (key.empty() || key.find_first_of("\r\n") != std::string_view::npos) throw not_a_key;
  std::vector<std::string> path;
  try {
    const auto root = parse_toml(fmt::format("{} = 0", key), where.file);
    for (const auto* table = &root; table != nullptr;) {
      if (table->entries.size() != 1) throw not_a_key;
      path.push_back(table->entries[0].key);
      table = std::get_if<ConfigTable>(&table->entries[0].value.value);
    }
  } catch (const Error&) {
    throw not_a_key;
  }
  return path;
}

void place_everywhere(ConfigValue& value, const Where& where) {
  value.where = where;
  if (auto* table = std::get_if<ConfigTable>(&value.value)) {
    table->where = where;
    for (auto& entry : table->entries) {
      entry.where = where;
      place_everywhere(entry.value, where);
    }
  }
  if (auto* array = std::get_if<ConfigArray>(&value.value)) {
    for (auto& element : array->values) place_everywhere(element, where);
  }
}

ConfigValue parse_set_value(std::string_view text, const Where& where) {
  auto value = try_parse_value(text, where.file);
  if (!value && !text.empty() && std::string_view("[{\"'").find(text[0]) != std::string_view::npos) {
    throw Error(
        ErrorKind::kConfig, where,
        fmt::format("'{}' is not a TOML value; check its quotes and brackets (a shell takes away quotes that are "
                    "not quoted themselves)",
                    text));
  }
  if (!value) value = ConfigValue{std::string(text), where};
  place_everywhere(*value, where);
  return std::move(*value);
}

ConfigValue* find_value(ConfigTable& table, const std::string& key) {
  for (auto& entry : table.entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

}  // namespace

ConfigTable parse_toml(std::string_view text, const std::string& file) {
  check_toml_bounds(text, file);
  try {
    return Converter(file).table(toml::parse(text));
  } catch (const toml::parse_error& e) {
    const auto& at = e.source().begin;
    throw Error(
        ErrorKind::kConfig, {file, static_cast<std::int64_t>(at.line), static_cast<std::int64_t>(at.column)},
        fmt::format(
            "not valid TOML: {}{}", e.description(),
            e.description().find("redefine") == std::string_view::npos
                ? ""
                : "; a key or a table stands once in a file: take one away, or give a second task another name"));
  }
}

std::optional<ConfigValue> try_parse_value(std::string_view text, const std::string& file) {
  try {
    auto root = parse_toml(fmt::format("value = {}", text), file);
    if (root.entries.size() == 1) return std::move(root.entries[0].value);
  } catch (const Error&) {
  }
  return std::nullopt;
}

void apply_set(ConfigTable& root, const std::string& set) {
  const Where where{"--set " + set};
  if (!is_utf8(set)) throw Error(ErrorKind::kConfig, where, "this is not UTF-8");
  const auto equals = find_equals(set);
  if (equals == std::string::npos) {
    throw Error(ErrorKind::kConfig, where, "there is no '='; write --set section.key=value");
  }
  const auto path = parse_key_path(trimmed(std::string_view(set).substr(0, equals)), where);
  auto value = parse_set_value(trimmed(std::string_view(set).substr(equals + 1)), where);

  ConfigTable* table = &root;
  std::string walked;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    walked += (i == 0 ? "" : ".") + toml_key(path[i]);
    auto* next = find_value(*table, path[i]);
    if (next == nullptr) {
      table->entries.push_back({path[i], ConfigValue{ConfigTable{{}, where}, where}, where});
      next = &table->entries.back().value;
    }
    table = std::get_if<ConfigTable>(&next->value);
    if (table == nullptr) {
      throw Error(ErrorKind::kConfig, where,
                  fmt::format("'{}' is {}, not a table, so nothing in it can be set", walked, type_name(*next)));
    }
  }
  if (auto* old = find_value(*table, path.back())) {
    *old = std::move(value);
  } else {
    table->entries.push_back({path.back(), std::move(value), where});
  }
}

}  // namespace berth::suite
