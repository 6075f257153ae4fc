// The host's side of berth::Options: collects what a task or reader declares, then fills it from a table of the suite.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "berth/options.h"
#include "core/suite/config_value.h"
#include "core/suite/field.h"

namespace berth::suite {

class OptionBinder final : public Options {
 public:
  // Throws Error kPlugin for a name declared twice or not in snake_case.
  OptionField& add(OptionField field) override;

  // Throws Error kPlugin for a range or choices on a type that has none, an empty range, and a default outside of its
  // own range or choices. Ranges and choices come after add(), so this is asked once all is declared; fill() does.
  void check() const;

  // Writes the values; throws Error kConfig with file, line, column for an unknown key (naming the nearest known one),
  // a wrong type, a value out of range or not among the choices, and a required option that is missing. `owner` names
  // whose options they are ("task 'sst2' (plugin classification), options"). An integer is taken where a real is
  // wanted.
  void fill(const ConfigTable& table, const std::string& owner);

  const std::deque<OptionField>& fields() const { return fields_; }

 private:
  std::deque<OptionField> fields_;
};

// The option as a key of a table.
Field to_field(const OptionField& option);

// A table for people, one line an option: name, type, default, meaning with range or choices. To be asked before
// fill(), while the variables hold their defaults.
std::string describe_options(const std::deque<OptionField>& fields);

// a-z, 0-9 and '_', a letter first.
bool is_snake_case(std::string_view name);

// For messages: the known name that was probably meant, or "" if none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

}  // namespace berth::suite
