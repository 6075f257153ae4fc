#include "core/suite/section.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/suite/resolve_path.h"
#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

constexpr int kMaxRawDepth = 16;  // well below the bound of the whole file, so that what is written can be read

int depth_of(const ConfigValue& value) {
  int deepest = 0;
  if (const auto* table = std::get_if<ConfigTable>(&value.value)) {
    for (const auto& entry : table->entries) deepest = std::max(deepest, depth_of(entry.value));
  } else if (const auto* array = std::get_if<ConfigArray>(&value.value)) {
    for (const auto& element : array->values) deepest = std::max(deepest, depth_of(element));
  }
  return deepest + 1;
}

std::string write_raw(const std::string& header, const ConfigTable& table) {
  if (table.entries.empty()) return "";
  auto text = header;
  for (const auto& entry : table.entries) text += fmt::format("{} = {}\n", toml_key(entry.key), to_toml(entry.value));
  return text;
}

}  // namespace

const ConfigTable& expect_table(const ConfigValue& value, const std::string& owner) {
  if (const auto* table = std::get_if<ConfigTable>(&value.value)) return *table;
  throw Error(ErrorKind::kConfig, value.where, fmt::format("{} must be a table, but is {}", owner, type_name(value)));
}

Field& Section::path(const std::string& name, std::filesystem::path& variable) {
  auto& field = optional_path(name, variable);
  std::get<CustomTarget>(field.target).write = [&variable] { return path_to_toml(variable); };
  return field;
}

Field& Section::optional_path(const std::string& name, std::filesystem::path& variable) {
  const auto read = [&variable, name, folder = folder_, owner = owner()](const ConfigValue& value) {
    std::string text;
    read_field({name, &text}, value, owner);
    variable = resolve_path(text, folder, value.where, fmt::format("{}: '{}'", owner, name));
  };
  const auto write = [&variable]() -> std::optional<std::string> {
    return variable.empty() ? std::nullopt : std::optional(path_to_toml(variable));
  };
  return custom(name, {read, write, path_schema});
}

Field& Section::raw(const std::string& name, ConfigTable& variable) {
  const auto inner = child(name);
  const auto read = [&variable, owner = inner.owner()](const ConfigValue& value) {
    variable = expect_table(value, owner);
    if (depth_of(value) > kMaxRawDepth) {
      throw Error(ErrorKind::kConfig, value.where,
                  fmt::format("{} is nested more than {} deep; no option needs that", owner, kMaxRawDepth));
    }
  };
  return tables(
      name, {read, [&variable, header = inner.header()] { return write_raw(header, variable); }, free_table_schema});
}

Field& Section::section(const std::string& name, std::function<void(Section&)> declare) {
  const auto make = [inner = child(name), declare = std::move(declare)] {
    auto declared = inner;
    declare(declared);
    return declared;
  };
  return tables(name, {[make](const ConfigValue& value) { make().fill(value); }, [make] { return make().to_toml(); },
                       [make] { return make().schema(); }});
}

Field& Section::tables(const std::string& name, CustomTarget target) {
  table_writers_.push_back(std::move(target.write));
  target.write = [] { return std::nullopt; };
  return custom(name, std::move(target));
}

void Section::fill(const ConfigValue& value) const { fill(expect_table(value, owner())); }

std::string Section::to_toml() const {
  auto text = header();
  for (const auto& field : fields_) {
    if (const auto value = value_to_toml(field)) text += fmt::format("{} = {}\n", field.name, *value);
  }
  for (const auto& write : table_writers_) text += write().value_or("");
  return text;
}

Json Section::schema() const { return schema_of(fields_); }

}  // namespace berth::suite
