// Files of rows with named columns: TSV, CSV and JSON lines. A DatasetReader holds a ColumnOptions, declares it among
// its own options, and makes its examples from the records of open_rows().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/dataset.h"
#include "berth/error.h"
#include "berth/kit/json.h"
#include "berth/options.h"

namespace berth::kit {

// How a file is read. Every set may have its own.
//
// Which names the columns of TSV and CSV have:
//   header = "auto" (default)  without `columns`, the first line names them; with `columns`, those do, and the first
//                              line is a row like the others unless it consists of exactly these names
//   header = "yes"             the first line is a header; `columns`, where given, replaces its names
//   header = "no"              the first line is a row; names from `columns`, or "1", "2", ... by position
struct ColumnOptions {
  std::string format = "auto";
  std::string header = "auto";
  std::vector<std::string> columns;
  bool quote = false;

  void describe(Options& options);
};

// One row: named fields, and where it stands. TSV and CSV give strings; JSON lines give what was written.
class Record {
 public:
  Record(Json fields, Where where);

  const Where& where() const { return where_; }

  // Null where there is no such field, or a null.
  const Json* find(std::string_view name) const;
  // Throws Error kContent where there is none, with the nearest name.
  const Json& at(std::string_view name) const;
  // The field as text: a string, or a number or boolean as it is written. Throws Error kContent for anything else.
  std::string text(std::string_view name) const;
  // All fields as a JSON object, for Example::json().
  std::string json() const;

 private:
  Json fields_;
  Where where_;
};

// The text of a string, an integer, a number or a boolean; nothing for null, arrays and objects.
std::optional<std::string> scalar_text(const Json& value);

// The rows of a file, in its order. Blank lines are left out. Holds one row in memory.
class RowStream {
 public:
  virtual ~RowStream() = default;

  // Nothing at the end. Throws Error kContent (file, line, what is wrong, what to do) on a bad row.
  virtual std::optional<Record> next() = 0;
};

// required: the columns that the rows must have; checked at once where the file has a header, and row by row by
// Record::at() in JSON lines. Throws Error kIo where the file can't be read, kContent where it is empty or lacks a
// column, kConfig where the options contradict each other or the file's extension says no format.
std::unique_ptr<RowStream> open_rows(const std::string& path, const ColumnOptions& options,
                                     const std::vector<std::string>& required);

// The rows as examples: `make` is called with each record, and must not refer to what may die before the stream.
std::unique_ptr<ExampleStream> make_examples(std::unique_ptr<RowStream> rows,
                                             std::function<std::unique_ptr<Example>(const Record&)> make);

// One JSON object as a record: a line of `berth predict`.
Record parse_record(std::string_view json, const Where& where);

}  // namespace berth::kit
