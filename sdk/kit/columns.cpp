#include "berth/kit/columns.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "berth/kit/lines.h"
#include "berth/kit/text.h"

namespace berth::kit {
namespace {

enum class Format : std::uint8_t { kTsv, kCsv, kJsonLines };

Format format_of(const std::string& path, const ColumnOptions& options) {
  std::string name = options.format;
  if (name == "auto") {
    name = std::filesystem::path(path).extension().string();
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    if (!name.empty()) name.erase(0, 1);
  }
  if (name == "tsv") return Format::kTsv;
  if (name == "csv") return Format::kCsv;
  if (name == "jsonl" || name == "ndjson" || name == "json") return Format::kJsonLines;
  const LineReader readable(path);  // a file that is not there is the first thing to say
  throw Error(ErrorKind::kConfig, path + ": the extension '" + name +
                                      "' says no format; expected .tsv, .csv, .jsonl, .ndjson or .json. Set `format` "
                                      "to \"tsv\", \"csv\" or \"jsonl\" in the task's data options");
}

bool is_blank(std::string_view line) { return line.empty() || line == "\r"; }

std::vector<std::string> split_tabs(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  std::vector<std::string> fields;
  while (true) {
    const std::size_t tab = line.find('\t');
    fields.emplace_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

// RFC 4180, with any separator: a field that starts with a quote ends at the next single quote; "" inside stands for
// one; separators and line ends inside belong to the field. A quote inside a field that does not start with one is an
// ordinary character.
class QuotedRow {
 public:
  QuotedRow(char separator, Where start) : separator_(separator), start_(std::move(start)) {}

  // Takes a line without its "\n"; true where the row is complete, false where it goes on in the next line.
  bool take(std::string_view line) {
    if (state_ == State::kInQuotes) field_ += '\n';
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char c = line[i];
      if (state_ == State::kInQuotes) {
        in_quotes(c);
      } else if (c == separator_) {
        end_field();
      } else if (c == '\r' && i + 1 == line.size()) {
        break;  // the row's own CRLF
      } else {
        outside(c);
      }
    }
    if (state_ == State::kInQuotes) return false;
    end_field();
    return true;
  }

  std::size_t bytes() const { return field_.size(); }
  std::vector<std::string> fields() { return std::move(fields_); }

 private:
  enum class State : std::uint8_t { kStart, kPlain, kInQuotes, kAfterQuote };

  void in_quotes(char c) {
    if (c == '"') {
      state_ = State::kAfterQuote;
    } else {
      field_ += c;
    }
  }

  void outside(char c) {
    if (c == '"' && state_ == State::kStart) {
      state_ = State::kInQuotes;
    } else if (c == '"' && state_ == State::kAfterQuote) {
      field_ += '"';  // the second of ""
      state_ = State::kInQuotes;
    } else if (state_ == State::kAfterQuote) {
      throw Error(ErrorKind::kContent, start_,
                  "field " + std::to_string(fields_.size() + 1) + " goes on with " +
                      quote_for_message(std::string(1, c)) + " after its closing quote; expected a separator or the " +
                      "end of the line. Write a quote inside of a quoted field twice (\"\")");
    } else {
      field_ += c;
      state_ = State::kPlain;
    }
  }

  void end_field() {
    fields_.push_back(std::move(field_));
    field_.clear();
    state_ = State::kStart;
  }

  char separator_;
  Where start_;
  State state_ = State::kStart;
  std::string field_;
  std::vector<std::string> fields_;
};

struct Row {
  std::vector<std::string> fields;
  Where where;
};

// Rows of TSV and CSV before their columns have names.
class RowSplitter {
 public:
  RowSplitter(const std::string& path, char separator, bool quoted)
      : lines_(path), separator_(separator), quoted_(quoted) {}

  std::optional<Row> next() {
    do {
      if (!lines_.next(line_)) return std::nullopt;
    } while (is_blank(line_));
    if (!quoted_) return Row{split_tabs(line_), lines_.where()};
    return next_quoted();
  }

 private:
  Row next_quoted() {
    const Where start = lines_.where();
    QuotedRow row(separator_, start);
    while (!row.take(line_)) {
      if (row.bytes() > LineReader::kMaxLineBytes || !lines_.next(line_)) {
        throw Error(ErrorKind::kContent, start,
                    "a quote (\") that opens in the row that starts here is never closed. Close it, or write a quote "
                    "inside of a quoted field twice (\"\"); a TSV file without quoting needs `quote = false`");
      }
    }
    return Row{row.fields(), start};
  }

  LineReader lines_;
  char separator_;
  bool quoted_;
  std::string line_;
};

class TableStream final : public RowStream {
 public:
  TableStream(const std::string& path, char separator, const ColumnOptions& options,
              const std::vector<std::string>& required)
      : path_(path), rows_(path, separator, separator == ',' || options.quote), has_names_(!options.columns.empty()) {
    std::optional<Row> first = rows_.next();
    if (!first) throw Error(ErrorKind::kContent, Where{path_, 1, 0}, "the file is empty; expected rows of data");
    names_ = column_names(*first, options);
    const bool is_header =
        options.header == "yes" || (options.header == "auto" && (!has_names_ || first->fields == options.columns));
    check_header(*first, is_header);
    check_required(first->where, required);
    if (!is_header) {
      waiting_ = std::move(first);
    } else if (waiting_ = rows_.next(); !waiting_) {
      throw Error(ErrorKind::kContent, Where{path_, 1, 0}, "the file has a header and no rows; expected rows of data");
    }
  }

  std::optional<Record> next() override {
    std::optional<Row> row = std::exchange(waiting_, std::nullopt);
    if (!row) row = rows_.next();
    if (!row) return std::nullopt;
    check_width(*row);
    Json::Object fields;
    fields.reserve(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i) fields.push_back({names_[i], Json(std::move(row->fields[i]))});
    return Record(Json(std::move(fields)), row->where);
  }

 private:
  static std::vector<std::string> column_names(const Row& first, const ColumnOptions& options) {
    if (!options.columns.empty()) return options.columns;
    if (options.header != "no") return first.fields;
    std::vector<std::string> names;
    for (std::size_t i = 1; i <= first.fields.size(); ++i) names.push_back(std::to_string(i));
    return names;
  }

  void check_header(const Row& first, bool is_header) const {
    if (is_header && has_names_) check_width(first);
    std::set<std::string> seen;
    for (const std::string& name : names_) {
      if (name.empty() || seen.insert(name).second) continue;
      const std::string fault = "two columns are named " + quote_for_message(name);
      if (has_names_) throw Error(ErrorKind::kConfig, fault + " in `columns`; give each its own name");
      throw Error(ErrorKind::kContent, first.where,
                  fault + "; rename one, or list all names in `columns` and set header = \"yes\"");
    }
  }

  void check_required(const Where& where, const std::vector<std::string>& required) const {
    for (const std::string& name : required) {
      if (std::find(names_.begin(), names_.end(), name) != names_.end()) continue;
      throw Error(ErrorKind::kContent, where,
                  "there is no column " + quote_for_message(name) + "; found " + list_names(names_) +
                      suggest_name(name, names_) + other_separator() +
                      ". Name the right column in the task's data options" +
                      (has_names_ ? "" : "; if the file has no header, list its columns in `columns`"));
    }
  }

  // A header that is one field and holds what could divide it.
  std::string other_separator() const {
    if (names_.size() != 1) return {};
    const std::size_t at = names_.front().find_first_of("\t,;");
    if (at == std::string::npos) return {};
    const char found = names_.front()[at];
    if (found == ';') return ", with the separator ';', which is not read: save the file with commas or tabs";
    return found == ',' ? ", with commas: set format = \"csv\"" : ", with tabs: set format = \"tsv\"";
  }

  void check_width(const Row& row) const {
    if (row.fields.size() == names_.size()) return;
    throw Error(ErrorKind::kContent, row.where,
                "the row has " + std::to_string(row.fields.size()) + " fields; expected " +
                    std::to_string(names_.size()) + " (" + list_names(names_) + "). It starts with " +
                    quote_for_message(row.fields.front()) +
                    "; correct the row (texts with the separator in them go into quotes)" +
                    (has_names_ ? ", or list all of the file's columns in `columns`" : ""));
  }

  std::string path_;
  RowSplitter rows_;
  bool has_names_;  // from `columns`
  std::vector<std::string> names_;
  std::optional<Row> waiting_;  // the first row, read while looking for a header
};

class JsonLinesStream final : public RowStream {
 public:
  explicit JsonLinesStream(const std::string& path) : lines_(path) {
    if (!advance()) throw Error(ErrorKind::kContent, Where{path, 1, 0}, "the file is empty; expected rows of data");
    if (trim(line_).front() == '[') {
      throw Error(ErrorKind::kContent, lines_.where(),
                  "the file is one JSON array; expected JSON lines, one object a line. Convert it: jq -c '.[]'");
    }
  }

  std::optional<Record> next() override {
    if (!has_line_ && !advance()) return std::nullopt;
    has_line_ = false;
    return parse_record(line_, lines_.where());
  }

 private:
  bool advance() {
    do {
      has_line_ = lines_.next(line_);
    } while (has_line_ && trim(line_).empty());
    return has_line_;
  }

  LineReader lines_;
  std::string line_;
  bool has_line_ = false;
};

class RecordExamples final : public ExampleStream {
 public:
  RecordExamples(std::unique_ptr<RowStream> rows, std::function<std::unique_ptr<Example>(const Record&)> make)
      : rows_(std::move(rows)), make_(std::move(make)) {}

  std::unique_ptr<Example> next() override {
    const std::optional<Record> record = rows_->next();
    return record ? make_(*record) : nullptr;
  }

 private:
  std::unique_ptr<RowStream> rows_;
  std::function<std::unique_ptr<Example>(const Record&)> make_;
};

}  // namespace

void ColumnOptions::describe(Options& options) {
  options.field("format", format, "of the file; auto: by its extension").one_of({"auto", "tsv", "csv", "jsonl"});
  options.field("header", header, "whether the first line names the columns; auto: yes, unless `columns` is given")
      .one_of({"auto", "yes", "no"});
  options.field("columns", columns, "names of all columns in the file's order, where it has no header");
  options.field("quote", quote, "TSV: fields may be quoted (\"), with tabs and line ends inside; CSV always may");
}

Record::Record(Json fields, Where where) : fields_(std::move(fields)), where_(std::move(where)) {}

const Json* Record::find(std::string_view name) const {
  const Json* value = fields_.find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

const Json& Record::at(std::string_view name) const {
  const Json* value = find(name);
  if (value != nullptr) return *value;
  std::vector<std::string> names;
  for (const JsonMember& member : fields_.as_object()) names.push_back(member.key);
  throw Error(ErrorKind::kContent, where_,
              "there is no field " + quote_for_message(name) + (fields_.find(name) != nullptr ? " but null" : "") +
                  "; found " + (names.empty() ? "none" : list_names(names)) + suggest_name(name, names) +
                  ". Correct the row, or name the field in the task's data options");
}

std::string Record::json() const { return dump_json(fields_); }

std::string Record::text(std::string_view name) const {
  const Json& value = at(name);
  std::optional<std::string> text = scalar_text(value);
  if (text) return *std::move(text);
  throw Error(ErrorKind::kContent, where_,
              "the field " + quote_for_message(name) + " is " + std::string(value.type_name()) + "; expected a string");
}

std::optional<std::string> scalar_text(const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_int()) return std::to_string(value.as_int());
  if (value.is_number()) return format_number(value.as_double());
  if (value.is_bool()) return value.as_bool() ? "true" : "false";
  return std::nullopt;
}

std::unique_ptr<RowStream> open_rows(const std::string& path, const ColumnOptions& options,
                                     const std::vector<std::string>& required) {
  switch (format_of(path, options)) {
    case Format::kTsv:
      return std::make_unique<TableStream>(path, '\t', options, required);
    case Format::kCsv:
      return std::make_unique<TableStream>(path, ',', options, required);
    case Format::kJsonLines:
      break;
  }
  return std::make_unique<JsonLinesStream>(path);
}

std::unique_ptr<ExampleStream> make_examples(std::unique_ptr<RowStream> rows,
                                             std::function<std::unique_ptr<Example>(const Record&)> make) {
  return std::make_unique<RecordExamples>(std::move(rows), std::move(make));
}

Record parse_record(std::string_view json, const Where& where) {
  Json value = parse_json(json, where);
  if (!value.is_object()) {
    throw Error(ErrorKind::kContent, where,
                "found " + std::string(value.type_name()) + "; expected a JSON object, one a line");
  }
  return Record(std::move(value), where);
}

}  // namespace berth::kit
