// Options are declared, not looked up: a task or reader binds its own variables once, and the host fills them from
// TOML, checks them, prints them (`berth plugins NAME`) and stores them with the run.
//
//   void describe(berth::Options& o) override {
//     o.field("dropout", dropout_, "on what the head reads").between(0, 1);
//     o.field("average", average_, "which F1 selects the best checkpoint").one_of({"micro", "macro"});
//   }
//
// The value that a variable has when it is declared is its default; an empty optional has none. Bound variables must
// outlive the task or reader.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "berth/version.h"

namespace berth {
inline namespace v1 {

// Where the host writes the value: the types an option can have. A table of TOML becomes a map.
using OptionTarget =
    std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::string>*, std::vector<double>*,
                 std::map<std::string, std::string>*, std::map<std::string, double>*, std::optional<std::int64_t>*,
                 std::optional<double>*, std::vector<std::int64_t>*>;

struct OptionField {
  std::string name;  // snake_case
  OptionTarget target;
  std::string help;  // one line
  std::optional<double> minimum;
  std::optional<double> maximum;
  std::vector<std::string> choices;  // empty: any
  bool is_required = false;
  bool is_minimum_open = false;  // the minimum itself is too small
  bool is_maximum_open = false;

  OptionField& between(double low, double high) { return at_least(low).at_most(high); }
  OptionField& at_least(double low) {
    minimum = low;
    is_minimum_open = false;
    return *this;
  }
  OptionField& at_most(double high) {
    maximum = high;
    is_maximum_open = false;
    return *this;
  }
  OptionField& above(double low) {
    minimum = low;
    is_minimum_open = true;
    return *this;
  }
  OptionField& below(double high) {
    maximum = high;
    is_maximum_open = true;
    return *this;
  }
  OptionField& one_of(std::vector<std::string> values) {
    choices = std::move(values);
    return *this;
  }
  OptionField& required() {
    is_required = true;
    return *this;
  }
};

// Made by the host, handed to describe().
class BERTH_VISIBLE Options {
 public:
  virtual ~Options() = default;

  // The reference stays valid until describe() returns. A name declared twice is an error of the plugin.
  virtual OptionField& add(OptionField field) = 0;

  template <typename T>
  OptionField& field(std::string name, T& variable, std::string help) {
    OptionField field;
    field.name = std::move(name);
    field.target = &variable;
    field.help = std::move(help);
    return add(std::move(field));
  }
};

}  // namespace v1
}  // namespace berth
