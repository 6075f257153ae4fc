// What a declared key may be, as JSON Schema (draft 2020-12): type, range, choices, default. Called for all keys of a
// suite by schema.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/suite/field.h"

namespace berth::suite {

// The variable's present value is the default; an empty string or optional is none, nor is there one where the key is
// required. Whole numbers: JSON Schema knows no difference between 2 and 2.0, berth wants 2.
Json schema_of(const Field& field);

// A table with these keys and no others.
Json schema_of(const std::vector<Field>& fields);

// One of the words; `value`: the default as TOML, if there is one.
Json choice_schema(const std::vector<std::string>& words, const std::optional<std::string>& value);

Json path_schema();

// A table of anything.
Json free_table_schema();

}  // namespace berth::suite
