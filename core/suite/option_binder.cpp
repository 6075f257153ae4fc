#include "core/suite/option_binder.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

bool takes_choices(const OptionTarget& target) {
  return std::holds_alternative<std::string*>(target) || std::holds_alternative<std::vector<std::string>*>(target) ||
         std::holds_alternative<std::map<std::string, std::string>*>(target);
}

bool takes_range(const OptionTarget& target) {
  return !std::holds_alternative<bool*>(target) && !takes_choices(target);
}

// What is wrong with a declaration, or "".
std::string judge_declaration(const OptionField& option) {
  const auto field = to_field(option);
  const auto type = target_type(field.target);
  if (field.interval.is_bounded() && !takes_range(option.target))
    return fmt::format("has a range, but its type is {}", type);
  if (!option.choices.empty() && !takes_choices(option.target))
    return fmt::format("has choices, but its type is {}", type);
  const bool is_open = option.is_minimum_open || option.is_maximum_open;
  if (option.minimum && option.maximum &&
      !(is_open ? *option.minimum < *option.maximum : *option.minimum <= *option.maximum)) {
    return fmt::format("has an empty range, from {} to {}", *option.minimum, *option.maximum);
  }
  if (option.is_required) return "";  // its default is never used
  const auto wrong = judge_current_value(field);
  return wrong.empty() ? "" : "has a default that " + wrong;
}

// "which F1 counts; one of "micro", "macro"".
std::string meaning(const OptionField& option) {
  const auto range = to_field(option).interval.text();
  auto text = option.help;
  if (!range.empty()) text += (text.empty() ? "" : "; ") + range;
  for (std::size_t i = 0; i < option.choices.size(); ++i) {
    text += (i > 0 ? ", " : text.empty() ? "one of " : "; one of ") + to_toml(option.choices[i]);
  }
  return text;
}

}  // namespace

Field to_field(const OptionField& option) {
  Field field;
  field.name = option.name;
  std::visit([&field](auto* variable) { field.target = variable; }, option.target);
  field.interval.low = option.minimum;
  field.interval.high = option.maximum;
  field.interval.is_low_open = option.is_minimum_open;
  field.interval.is_high_open = option.is_maximum_open;
  field.choices = option.choices;
  if (option.is_required) field.required(fmt::format("give it ({})", option.help));
  return field;
}

bool is_snake_case(std::string_view name) {
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && is_lower(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_lower(c) || (c >= '0' && c <= '9') || c == '_';
  });
}

OptionField& OptionBinder::add(OptionField field) {
  if (!is_snake_case(field.name)) {
    throw Error(
        ErrorKind::kPlugin,
        fmt::format("the option name '{}' is not in snake_case; use a-z, 0-9 and '_', a letter first", field.name));
  }
  for (const auto& other : fields_) {
    if (other.name == field.name) {
      throw Error(ErrorKind::kPlugin, fmt::format("option '{}' is declared twice; take one away", field.name));
    }
  }
  return fields_.emplace_back(std::move(field));
}

void OptionBinder::check() const {
  for (const auto& option : fields_) {
    if (const auto wrong = judge_declaration(option); !wrong.empty()) {
      throw Error(ErrorKind::kPlugin,
                  fmt::format("option '{}' {}; the plugin's author must correct its declaration", option.name, wrong));
    }
  }
}

void OptionBinder::fill(const ConfigTable& table, const std::string& owner) {
  try {
    check();
  } catch (const Error& e) {
    throw Error(ErrorKind::kPlugin, fmt::format("{}: {}", owner, e.what()));
  }
  std::vector<Field> fields;
  for (const auto& option : fields_) fields.push_back(to_field(option));
  fill_fields(fields, table, owner);
}

std::string describe_options(const std::deque<OptionField>& fields) {
  if (fields.empty()) return "no options\n";
  struct Row {
    std::string name, type, value, meaning;
  };
  std::vector<Row> rows = {{"option", "type", "default", "meaning"}};
  for (const auto& option : fields) {
    const auto field = to_field(option);
    const auto value = option.is_required ? "(required)" : value_to_toml(field).value_or("");
    rows.push_back({option.name, std::string(target_type(field.target)), value, meaning(option)});
  }
  // A long default must not push all meanings out of sight: such a row is wider than the others.
  constexpr std::size_t kWidestDefault = 28;
  std::size_t name = 0;
  std::size_t type = 0;
  std::size_t value = 0;
  for (const auto& row : rows) {
    name = std::max(name, row.name.size());
    type = std::max(type, row.type.size());
    if (row.value.size() <= kWidestDefault) value = std::max(value, row.value.size());
  }
  std::string text;
  for (const auto& row : rows) {
    auto line =
        fmt::format("{:<{}}  {:<{}}  {:<{}}  {}", row.name, name, row.type, type, row.value, value, row.meaning);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace berth::suite
