// One key of a table: its name, type, range, and the variable it fills. Both the sections of a suite and the options
// that plugins declare are read, checked and written through here, so that each key is declared once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/suite/config_value.h"

namespace berth::suite {

using Json = nlohmann::ordered_json;

// What numbers are allowed; no bound: any finite number.
struct Interval {
  std::optional<double> low;
  std::optional<double> high;
  bool is_low_open = false;
  bool is_high_open = false;

  bool contains(double value) const;
  bool is_bounded() const { return low || high; }
  std::string text() const;  // "at least 1", "from 0 to 1", ...; "" without bounds
};

// A key with a reading of its own. read() throws Error kConfig at the value's Where. write() gives TOML, or nothing
// where the key is not to be written; tables of their own are written by Section. schema() gives what read() takes as a
// JSON Schema.
struct CustomTarget {
  std::function<void(const ConfigValue&)> read;
  std::function<std::optional<std::string>()> write;
  std::function<Json()> schema;
};

using FieldTarget =
    std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::string>*, std::vector<double>*,
                 std::map<std::string, std::string>*, std::map<std::string, double>*, std::optional<std::int64_t>*,
                 std::optional<double>*, std::vector<std::int64_t>*, CustomTarget>;

struct Field {
  std::string name;
  FieldTarget target;
  Interval interval = {};                 // of numbers, alone or in a list or table
  std::vector<std::string> choices = {};  // of strings, likewise; empty: any
  bool is_required = false;
  std::string hint = {};   // what to do where a required key is missing
  Where* where = nullptr;  // gets the place of the value

  Field& above(double low);
  Field& at_least(double low);
  Field& below(double high);
  Field& at_most(double high);
  Field& required(std::string what_to_do);
  Field& at(Where& place);
};

// "list of strings"; "" for CustomTarget.
std::string_view target_type(const FieldTarget& target);

// The value as TOML, or nothing where there is none.
std::optional<std::string> value_to_toml(const Field& field);

// What is wrong with the value that the variable has now ("is -1, but must be at least 0"), or "".
std::string judge_current_value(const Field& field);

// Reads one value into its field, with all checks. Throws Error kConfig.
void read_field(const Field& field, const ConfigValue& value, const std::string& owner);

// Reads every entry of the table into its field. `owner` names the table in messages: "[training]". Throws Error
// kConfig for an unknown key, a wrong type, a value out of range or not among the choices, a required key missing.
void fill_fields(const std::vector<Field>& fields, const ConfigTable& table, const std::string& owner);

// "is "rad", but must be one of "red", "blue"; did you mean "red"?", or "" for one of the choices.
std::string judge_choice(const std::string& value, const std::vector<std::string>& choices);

}  // namespace berth::suite
