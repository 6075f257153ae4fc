// What a file that nobody has described looks like to the kit's readers: its columns, what they hold, and the options
// that open_rows() needs to read it. For a task's advice (berth/advisor.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/advisor.h"

namespace berth::kit {

enum class ColumnKind : std::uint8_t {
  kEmpty,
  kText,
  kNumber,
  kDate,
  kIdentifier,  // another one in every row, in a single ASCII word; or numbers that count the rows
  kList,        // JSON: lists
  kObject,      // JSON: objects
};

struct SampleColumn {
  std::string name;                 // "1", "2", ... where the file names none
  std::vector<std::string> values;  // one a row: scalars as text, lists and objects as JSON; "" where there is none
  ColumnKind kind = ColumnKind::kEmpty;
  std::size_t filled = 0;    // rows with a value
  std::size_t distinct = 0;  // different values
  double top_share = 0;      // of the most frequent one in the filled rows
  double characters = 0;     // of a value, on average
  double words = 0;          // likewise; in scripts without spaces, two characters count as one
};

struct SampleTable {
  std::vector<SampleColumn> columns;
  std::size_t rows = 0;
  bool has_names = true;  // from the file, or chosen by the user
  // What of ColumnOptions has to be set, as TOML: {"format", "\"tsv\""}.
  std::vector<std::pair<std::string, std::string>> data;

  // Null where there is none.
  const SampleColumn* find(std::string_view name) const;
};

struct SampleRows {
  std::optional<SampleTable> table;
  std::string fault;  // without a table: what the file is and what to do, as the rest of a sentence that begins "it"
};

// Keeps to the options of ColumnOptions that are chosen. Of very many rows, it looks at the first.
SampleRows read_sample_rows(const DataSample& sample);

// An option of a reader that names a column.
struct ColumnRole {
  std::string option;
  const SampleColumn* column = nullptr;  // of the table
};

// The data options by which a reader finds these columns. A file without a header has its columns named by their roles.
std::vector<std::pair<std::string, std::string>> data_options(const SampleTable& table,
                                                              const std::vector<ColumnRole>& roles);

// "'id' (identifiers), 'body' (texts, 23 words on average), 'stars' (5 different numbers)" for messages.
std::string describe_columns(const SampleTable& table);

// A value that the user has chosen, where it is a string; nothing where there is none.
std::optional<std::string> chosen_string(const DataSample& sample, std::string_view option);

// The column that the user has chosen for an option; null where none is, or the file lacks it.
const SampleColumn* chosen_column(const SampleTable& table, const DataSample& sample, std::string_view option);

// "there is no column 'txet' for `text`; found ..." where the file lacks the one that the user has chosen, else "".
std::string missing_column(const SampleTable& table, const DataSample& sample, std::string_view option);

// A string as TOML writes it.
std::string toml_string(std::string_view text);

// A name without case and marks, to compare with usual ones: "Review Text" -> "reviewtext".
std::string plain_name(std::string_view name);

// The words of a text between white space.
std::vector<std::string_view> words_of(std::string_view text);

// A suggestion for a file that does not fit: the reason says what the task needs.
Suggestion no_fit(std::string reason);

}  // namespace berth::kit
