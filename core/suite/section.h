// A table of a suite. Its keys are declared once; reading, checking, messages and writing all follow the declaration.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/suite/field.h"
#include "core/suite/field_schema.h"

namespace berth::suite {

// The variables that are declared must outlive the section. A Field& is valid until the next key is declared.
class Section {
 public:
  // path: "training", "tasks.sst2"; "" for the whole suite. folder: where relative paths start.
  Section(std::string path, std::filesystem::path folder) : path_(std::move(path)), folder_(std::move(folder)) {}

  // "[training]", to begin messages with.
  std::string owner() const { return path_.empty() ? "the suite" : "[" + path_ + "]"; }
  Section child(const std::string& name) const { return {path_.empty() ? name : path_ + "." + name, folder_}; }

  template <typename T>
  Field& key(std::string name, T& variable) {
    return add({std::move(name), &variable});
  }
  Field& custom(std::string name, CustomTarget target) { return add({std::move(name), std::move(target)}); }
  Field& path(const std::string& name, std::filesystem::path& variable);
  Field& optional_path(const std::string& name, std::filesystem::path& variable);  // not written where there is none

  // A word for each value of an enum.
  template <typename E>
  Field& choice(const std::string& name, E& variable, const std::vector<std::pair<std::string, E>>& words);

  // A table that is kept as it is, for others to check.
  Field& raw(const std::string& name, ConfigTable& variable);

  // A table within this one, with keys of its own.
  Field& section(const std::string& name, std::function<void(Section&)> declare);

  // Tables within this one. What `target` writes are tables, too ("\n[path]\nkey = value\n" each).
  Field& tables(const std::string& name, CustomTarget target);

  // Throws Error kConfig, as fill_fields() does and for a value that is no table.
  void fill(const ConfigValue& value) const;
  void fill(const ConfigTable& table) const { fill_fields(fields_, table, owner()); }

  // "\n[path]\nkey = value\n", then the tables within.
  std::string to_toml() const;

  // Of a table with these keys, as JSON Schema; see schema_of() for its defaults.
  Json schema() const;

 private:
  Field& add(Field field) { return fields_.emplace_back(std::move(field)); }
  std::string header() const { return path_.empty() ? "" : "\n[" + path_ + "]\n"; }

  std::string path_;
  std::filesystem::path folder_;
  std::vector<Field> fields_;
  std::vector<std::function<std::optional<std::string>()>> table_writers_;
};

// Throws Error kConfig where the value is something else.
const ConfigTable& expect_table(const ConfigValue& value, const std::string& owner);

template <typename E>
Field& Section::choice(const std::string& name, E& variable, const std::vector<std::pair<std::string, E>>& words) {
  const auto read = [&variable, words, name, owner = owner()](const ConfigValue& value) {
    std::string word;
    Field field{name, &word};
    for (const auto& [text, meaning] : words) field.choices.push_back(text);
    read_field(field, value, owner);
    for (const auto& [text, meaning] : words) {
      if (text == word) variable = meaning;
    }
  };
  const auto write = [&variable, words]() -> std::optional<std::string> {
    for (const auto& [text, meaning] : words) {
      if (meaning == variable) return "\"" + text + "\"";
    }
    return std::nullopt;
  };
  const auto schema = [write, words] {
    std::vector<std::string> texts;
    texts.reserve(words.size());
    for (const auto& [text, meaning] : words) texts.push_back(text);
    return choice_schema(texts, write());
  };
  return custom(name, {read, write, schema});
}

}  // namespace berth::suite
