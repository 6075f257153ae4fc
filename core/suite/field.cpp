#include "core/suite/field.h"

#include <fmt/ranges.h>

#include <cmath>

#include "core/suite/option_binder.h"
#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

// What is wrong with one element, or "".
std::string judge_element(const Field& field, double value) {
  if (!std::isfinite(value)) return fmt::format("is {}, but must be a finite number", value);
  if (!field.interval.contains(value)) return fmt::format("is {}, but must be {}", value, field.interval.text());
  return "";
}

std::string judge_element(const Field& field, const std::string& value) { return judge_choice(value, field.choices); }

// Reads one value into the variable of a field.
class FieldReader {
 public:
  FieldReader(const Field& field, const ConfigValue& value, const std::string& owner)
      : field_(field), value_(value), owner_(owner) {}

  void operator()(bool* target) const { *target = get<bool>(value_, "a boolean (true or false)"); }
  void operator()(std::int64_t* target) const { *target = integer(value_); }
  void operator()(double* target) const { *target = real(value_); }
  void operator()(std::string* target) const { *target = string(value_); }
  void operator()(std::optional<std::int64_t>* target) const { *target = integer(value_); }
  void operator()(std::optional<double>* target) const { *target = real(value_); }
  void operator()(const CustomTarget& target) const { target.read(value_); }

  void operator()(std::vector<std::string>* target) const {
    *target = list<std::string>("an array of strings", [this](const ConfigValue& v) { return string(v); });
  }
  void operator()(std::vector<std::int64_t>* target) const {
    *target = list<std::int64_t>("an array of integers", [this](const ConfigValue& v) { return integer(v); });
  }
  void operator()(std::vector<double>* target) const {
    *target = list<double>("an array of numbers", [this](const ConfigValue& v) { return real(v); });
  }
  void operator()(std::map<std::string, std::string>* target) const {
    *target = table<std::string>("a table of strings", [this](const ConfigValue& v) { return string(v); });
  }
  void operator()(std::map<std::string, double>* target) const {
    *target = table<double>("a table of numbers", [this](const ConfigValue& v) { return real(v); });
  }

 private:
  template <typename T>
  const T& get(const ConfigValue& value, std::string_view wanted) const {
    if (const auto* v = std::get_if<T>(&value.value)) return *v;
    fail(value, fmt::format("must be {}, but is {}", wanted, type_name(value)));
  }

  std::int64_t integer(const ConfigValue& value) const {
    const auto number = get<std::int64_t>(value, "an integer");
    check(value, static_cast<double>(number));
    return number;
  }

  double real(const ConfigValue& value) const {
    const auto* whole = std::get_if<std::int64_t>(&value.value);
    const auto number = whole != nullptr ? static_cast<double>(*whole) : get<double>(value, "a number");
    check(value, number);
    return number;
  }

  std::string string(const ConfigValue& value) const {
    const auto& text = get<std::string>(value, "a string");
    check(value, text);
    return text;
  }

  template <typename T, typename Read>
  std::vector<T> list(std::string_view wanted, Read read) const {
    std::vector<T> result;
    for (const auto& element : get<ConfigArray>(value_, wanted).values) result.push_back(read(element));
    return result;
  }

  template <typename T, typename Read>
  std::map<std::string, T> table(std::string_view wanted, Read read) const {
    std::map<std::string, T> result;
    for (const auto& entry : get<ConfigTable>(value_, wanted).entries) result[entry.key] = read(entry.value);
    return result;
  }

  template <typename T>
  void check(const ConfigValue& value, const T& element) const {
    if (const auto wrong = judge_element(field_, element); !wrong.empty()) fail(value, wrong);
  }

  // An element of a list or a table's value is at a place of its own.
  [[noreturn]] void fail(const ConfigValue& value, const std::string& what) const {
    const auto part = &value == &value_ ? "" : "an element of ";
    throw Error(ErrorKind::kConfig, value.where, fmt::format("{}: {}'{}' {}", owner_, part, field_.name, what));
  }

  const Field& field_;
  const ConfigValue& value_;
  const std::string& owner_;
};

struct ValueWriter {
  using Text = std::optional<std::string>;

  template <typename T>
  Text operator()(const T* value) const {
    return to_toml(*value);
  }
  template <typename T>
  Text operator()(const std::optional<T>* value) const {
    return *value ? Text(to_toml(**value)) : std::nullopt;
  }
  template <typename T>
  Text operator()(const std::vector<T>* values) const {
    std::string text = "[";
    for (const auto& value : *values) text += (text.size() > 1 ? ", " : "") + to_toml(value);
    return text + "]";
  }
  template <typename T>
  Text operator()(const std::map<std::string, T>* values) const {
    if (values->empty()) return "{}";
    std::string text = "{";
    for (const auto& [key, value] : *values) {
      text += (text.size() > 1 ? ", " : " ") + toml_key(key) + " = " + to_toml(value);
    }
    return text + " }";
  }
  Text operator()(const CustomTarget& target) const { return target.write(); }
};

// What is wrong with the value of a variable as it is, element by element.
struct ValueJudge {
  const Field& field;

  std::string operator()(const bool* value) const {
    (void)value;
    return "";
  }
  std::string operator()(const std::int64_t* value) const { return judge_element(field, static_cast<double>(*value)); }
  std::string operator()(const double* value) const {
    return field.interval.is_bounded() ? judge_element(field, *value) : "";
  }
  std::string operator()(const std::string* value) const { return judge_element(field, *value); }
  std::string operator()(const CustomTarget& target) const {
    (void)target;
    return "";
  }
  template <typename T>
  std::string operator()(const std::optional<T>* value) const {
    return *value ? (*this)(&**value) : "";
  }
  template <typename T>
  std::string operator()(const std::vector<T>* values) const {
    for (const auto& value : *values) {
      if (auto wrong = (*this)(&value); !wrong.empty()) return wrong;
    }
    return "";
  }
  template <typename T>
  std::string operator()(const std::map<std::string, T>* values) const {
    for (const auto& [key, value] : *values) {
      if (auto wrong = (*this)(&value); !wrong.empty()) return wrong;
    }
    return "";
  }
};

std::vector<std::string> names_of(const std::vector<Field>& fields) {
  std::vector<std::string> names;
  names.reserve(fields.size());
  for (const auto& field : fields) names.push_back(field.name);
  return names;
}

[[noreturn]] void refuse_unknown(const ConfigEntry& entry, const std::vector<Field>& fields, const std::string& owner) {
  const auto names = names_of(fields);
  const auto nearest = nearest_name(entry.key, names);
  auto text = fmt::format("{}: there is no key '{}'; ", owner, entry.key);
  if (!nearest.empty()) {
    text += fmt::format("did you mean '{}'?", nearest);
  } else {
    text += names.empty() ? "it has none" : fmt::format("it has {}", fmt::join(names, ", "));
  }
  throw Error(ErrorKind::kConfig, entry.where, text);
}

}  // namespace

bool Interval::contains(double value) const {
  if (low && !(is_low_open ? value > *low : value >= *low)) return false;
  return !high || (is_high_open ? value < *high : value <= *high);
}

std::string Interval::text() const {
  if (low && high && !is_low_open && !is_high_open) return fmt::format("from {} to {}", *low, *high);
  std::string text;
  if (low) text = fmt::format("{} {}", is_low_open ? "above" : "at least", *low);
  if (high) text += fmt::format("{}{} {}", low ? " and " : "", is_high_open ? "below" : "at most", *high);
  return text;
}

Field& Field::above(double low) {
  interval.low = low;
  interval.is_low_open = true;
  return *this;
}

Field& Field::at_least(double low) {
  interval.low = low;
  return *this;
}

Field& Field::below(double high) {
  interval.high = high;
  interval.is_high_open = true;
  return *this;
}

Field& Field::at_most(double high) {
  interval.high = high;
  return *this;
}

Field& Field::required(std::string what_to_do) {
  is_required = true;
  hint = std::move(what_to_do);
  return *this;
}

Field& Field::at(Where& place) {
  where = &place;
  return *this;
}

std::string_view target_type(const FieldTarget& target) {
  static constexpr std::string_view kNames[] = {
      "boolean",          "integer",        "real",    "string", "list of strings",  "list of reals",
      "table of strings", "table of reals", "integer", "real",   "list of integers", ""};
  return kNames[target.index()];
}

std::optional<std::string> value_to_toml(const Field& field) { return std::visit(ValueWriter{}, field.target); }

std::string judge_current_value(const Field& field) { return std::visit(ValueJudge{field}, field.target); }

void read_field(const Field& field, const ConfigValue& value, const std::string& owner) {
  std::visit(FieldReader(field, value, owner), field.target);
  if (field.where != nullptr) *field.where = value.where;
}

void fill_fields(const std::vector<Field>& fields, const ConfigTable& table, const std::string& owner) {
  for (const auto& entry : table.entries) {
    const Field* field = nullptr;
    for (const auto& candidate : fields) {
      if (candidate.name == entry.key) field = &candidate;
    }
    if (field == nullptr) refuse_unknown(entry, fields, owner);
    read_field(*field, entry.value, owner);
  }
  for (const auto& field : fields) {
    if (field.is_required && table.find(field.name) == nullptr) {
      throw Error(ErrorKind::kConfig, table.where,
                  fmt::format("{}: '{}' is missing; {}", owner, field.name, field.hint));
    }
  }
}

std::string judge_choice(const std::string& value, const std::vector<std::string>& choices) {
  if (choices.empty()) return "";
  for (const auto& choice : choices) {
    if (value == choice) return "";
  }
  std::string known;
  for (const auto& choice : choices) known += (known.empty() ? "" : ", ") + to_toml(choice);
  auto text = fmt::format("is {}, but must be {}{}", to_toml(value), choices.size() > 1 ? "one of " : "", known);
  const auto nearest = nearest_name(value, choices);
  return nearest.empty() ? text : fmt::format("{}; did you mean {}?", text, to_toml(nearest));
}

}  // namespace berth::suite
