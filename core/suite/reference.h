// What configs/reference.md says about each key of a suite: its tables are the one place where that is written, and
// schema.h shows it to editors.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace berth::suite {

struct ReferenceEntry {
  std::string text;           // Markdown; of a section: its first paragraph, "" where it begins with the table
  std::string default_value;  // as the table has it: "`128`", "the model's"; "" for a section
};

// By path: "model", "model.path", "tasks.NAME.split". markdown: headings that are a table's name, "## `[model]`", with
// tables whose first column is `key` below them; all else is passed over.
std::map<std::string, ReferenceEntry> read_reference(std::string_view markdown);

}  // namespace berth::suite
