#include "sample_rows.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "berth/kit/columns.h"
#include "berth/kit/sample.h"
#include "berth/kit/text.h"
#include "sample_split.h"

namespace berth::kit {
namespace {

// "csv" of "mails.CSV.gz".
std::string extension_of(const std::string& path) {
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
  };
  std::filesystem::path file(path);
  std::string extension = lower(file.extension().string());
  if (extension == ".gz" || extension == ".zst") extension = lower(file.stem().extension().string());
  if (!extension.empty()) extension.erase(0, 1);
  return extension;
}

bool is_json_extension(const std::string& extension) {
  return extension == "json" || extension == "jsonl" || extension == "ndjson";
}

// The first line that is not blank.
std::string_view first_line(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  return text.substr(begin, text.find('\n', begin) - begin);
}

std::string chosen_or(const DataSample& sample, std::string_view option, std::string otherwise) {
  return chosen_string(sample, option).value_or(std::move(otherwise));
}

std::vector<std::string> chosen_columns(const DataSample& sample) {
  std::vector<std::string> names;
  const auto found = sample.chosen.find("columns");
  if (found == sample.chosen.end()) return names;
  try {
    const Json list = parse_json(found->second);
    for (const Json& name : list.as_array()) names.push_back(name.as_string());
  } catch (const Error&) {
    names.clear();  // written in another of TOML's ways; the reader will say whether it likes the value
  }
  return names;
}

// --- JSON lines ------------------------------------------------------------------------------------------------------

CellType type_of(const Json& value) {
  if (value.is_array()) return CellType::kList;
  return value.is_object() ? CellType::kObject : CellType::kScalar;
}

// More is no table: rows whose keys are names of their own.
constexpr std::size_t kMostFields = 1000;

class JsonTable {
 public:
  void add(const Json::Object& object) {
    std::vector<std::string>& row = table_.rows.emplace_back(table_.names.size());
    for (const JsonMember& member : object) {
      if (is_too_wide()) return;
      const std::size_t column = column_of(member.key);
      if (row.size() <= column) row.resize(column + 1);
      if (member.value.is_null()) continue;
      std::optional<std::string> text = scalar_text(member.value);
      row[column] = text ? *std::move(text) : dump_json(member.value);
      const CellType type = type_of(member.value);
      if (type != CellType::kScalar) {
        table_.types[column] = type;
      } else if (!row[column].empty()) {
        has_scalars_[column] = true;
      }
    }
  }

  bool is_too_wide() const { return table_.names.size() > kMostFields; }

  // A column that is a list in some rows and a text in others is taken for texts.
  RawTable finish() {
    for (auto& row : table_.rows) row.resize(table_.names.size());
    for (std::size_t i = 0; i < has_scalars_.size(); ++i) {
      if (has_scalars_[i]) table_.types[i] = CellType::kScalar;
    }
    return std::move(table_);
  }

 private:
  std::size_t column_of(const std::string& key) {
    const auto at = std::find(table_.names.begin(), table_.names.end(), key);
    if (at != table_.names.end()) return static_cast<std::size_t>(at - table_.names.begin());
    table_.names.push_back(key);
    table_.types.push_back(CellType::kScalar);
    has_scalars_.push_back(false);
    return table_.names.size() - 1;
  }

  RawTable table_;
  std::vector<bool> has_scalars_;  // a column each
};

RawTable faulty(std::string fault) {
  RawTable table;
  table.fault = std::move(fault);
  return table;
}

RawTable read_json_lines(const DataSample& sample, const std::string& extension) {
  JsonTable table;
  std::size_t bad = 0;
  std::size_t good = 0;
  std::string_view rest = sample.text;
  while (!rest.empty() && good < kMaxSampleRows) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.empty()) continue;
    try {
      table.add(parse_json(line).as_object());
      ++good;
    } catch (const Error&) {
      ++bad;
    }
    if ((bad > 10 && bad > good) || table.is_too_wide()) break;
  }
  if (table.is_too_wide()) return faulty("has other field names in each row; give all rows the same fields");
  if (good == 0 || bad > good) return faulty("is JSON, but not one object a line");
  RawTable result = table.finish();
  if (!is_json_extension(extension)) result.data.emplace_back("format", "\"jsonl\"");
  return result;
}

// --- TSV and CSV -----------------------------------------------------------------------------------------------------

bool is_like_a_name(const std::string& field) {
  const std::string_view text = trim(field);
  return !text.empty() && text.size() <= 40 && words_of(text).size() <= 4 && !parse_number(text) &&
         text.find_first_of("!?;{}") == std::string_view::npos;
}

bool is_usual_name(const std::string& field) {
  static const std::set<std::string> usual = {
      "text",       "label",    "labels", "sentence", "sentence1", "sentence2", "class",   "category",
      "sentiment",  "id",       "title",  "body",     "review",    "source",    "target",  "premise",
      "hypothesis", "question", "answer", "summary",  "document",  "input",     "output",  "message",
      "score",      "rating",   "stars",  "intent",   "goldlabel", "date",      "comment", "tweet",
      "content",    "context",  "topic",  "tag",      "tags"};
  return usual.count(plain_name(field)) > 0;
}

// How much of what stands below a column's first field sets that one apart, as a name.
int column_votes(const SplitRows& rows, std::size_t column, std::size_t width) {
  const std::string& name = rows.front()[column];
  std::set<std::string_view> values;
  std::size_t others = 0;
  std::size_t numbers = 0;
  std::size_t characters = 0;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].size() != width) continue;
    const std::string& value = rows[i][column];
    values.insert(value);
    numbers += parse_number(trim(value)) ? 1 : 0;
    characters += value.size();
    ++others;
  }
  if (others == 0) return 0;
  if (values.count(name) > 0) return -2;
  int votes = is_usual_name(name) ? 2 : 0;
  if (numbers == others) votes += 2;
  if (others > 3 && 2 * values.size() <= others) votes += 2;  // not one of a few labels
  if (characters > 3 * others * name.size()) votes += 1;
  return votes;
}

// Above 0: more speaks for the first row being a header than against.
int header_votes(const SplitRows& rows, std::size_t width) {
  int votes = 0;
  std::set<std::string> names;
  for (std::size_t column = 0; column < width; ++column) {
    const std::string& name = rows.front()[column];
    if (!is_like_a_name(name) && !(name.empty() && column == 0)) return -1;  // spreadsheets number rows without a name
    if (!names.insert(name).second) --votes;
    votes += column_votes(rows, column, width);
  }
  return votes;
}

bool has_header(const DataSample& sample, const SplitRows& rows, std::size_t width,
                const std::vector<std::string>& columns) {
  const std::string chosen = chosen_or(sample, "header", "auto");
  if (chosen != "auto") return chosen == "yes";
  if (!columns.empty()) return rows.front() == columns;
  // A column that the user calls by its name has one.
  const auto& front = rows.front();
  for (const auto& [option, value] : sample.chosen) {
    const std::optional<std::string> name = option == "format" ? std::nullopt : chosen_string(sample, option);
    if (name && std::find(front.begin(), front.end(), *name) != front.end()) return front.size() == width;
  }
  return rows.front().size() == width && header_votes(rows, width) > 0;
}

// A header whose names come twice gets others, which `columns` then has to say.
void make_distinct(RawTable& table) {
  std::set<std::string> seen;
  bool is_changed = false;
  for (std::string& name : table.names) {
    const std::string old = name.empty() ? "column" : name;
    for (int number = 2; name.empty() || !seen.insert(name).second; ++number) {
      name = old + "_" + std::to_string(number);
      is_changed = true;
    }
  }
  if (!is_changed) return;
  std::string list;
  for (const std::string& name : table.names) list.append(list.empty() ? "[" : ", ").append(toml_string(name));
  table.data.emplace_back("columns", list + "]");
  table.data.emplace_back("header", "\"yes\"");
}

void name_columns(const DataSample& sample, const std::vector<std::string>& columns, Reading& reading,
                  RawTable& table) {
  const bool is_header = has_header(sample, reading.rows, reading.width, columns);
  if (!columns.empty()) {
    table.names = columns;
  } else if (is_header) {
    table.names = reading.rows.front();
    make_distinct(table);
  } else {
    for (std::size_t i = 1; i <= reading.width; ++i) table.names.push_back(std::to_string(i));
    // Where the user names columns of such a file, it is by their numbers.
    const bool is_by_number = std::any_of(sample.chosen.begin(), sample.chosen.end(), [](const auto& one) {
      return one.first != "format" && one.first != "quote";
    });
    table.has_names = is_by_number;
    if (is_by_number) table.data.emplace_back("header", "\"no\"");
  }
  if (is_header) reading.rows.erase(reading.rows.begin());
}

RawTable read_table(const DataSample& sample, Reading reading, const std::string& extension) {
  RawTable table;
  if (reading.format != extension) table.data.emplace_back("format", "\"" + reading.format + "\"");
  if (reading.format == "tsv" && reading.is_quoted) table.data.emplace_back("quote", "true");
  const std::vector<std::string> columns = chosen_columns(sample);
  if (!columns.empty() && columns.size() != reading.width) {
    return faulty("has " + std::to_string(reading.width) + " columns, but `columns` names " +
                  std::to_string(columns.size()));
  }
  name_columns(sample, columns, reading, table);
  if (table.names.size() != reading.width) {
    return faulty("has a header of " + std::to_string(table.names.size()) + " fields above rows of " +
                  std::to_string(reading.width) + "; give each column one name");
  }
  std::erase_if(table.data, [&](const auto& option) { return sample.chosen.count(option.first) > 0; });
  std::erase_if(reading.rows, [&](const auto& row) { return row.size() != reading.width; });
  if (reading.rows.empty()) return faulty("has a header and no rows");
  table.rows = std::move(reading.rows);
  return table;
}

RawTable read_separated(const DataSample& sample, const std::string& extension) {
  const std::string wanted =
      chosen_or(sample, "format", "auto") == "auto" ? extension : chosen_or(sample, "format", "auto");
  Reading tabs = read_with(sample, '\t', "tsv");
  Reading commas = read_with(sample, ',', "csv");
  // Commas are frequent in prose, too: a file that isn't called CSV has to be all of one width.
  const bool has_commas = commas.is_table() && (wanted == "csv" || (commas.agreement > 0.99 && commas.rows.size() > 1));
  if (wanted == "csv" && has_commas && !(tabs.is_table() && tabs.agreement > commas.agreement)) {
    return read_table(sample, std::move(commas), extension);
  }
  if (tabs.is_table()) return read_table(sample, std::move(tabs), extension);
  for (const auto& [separator, name] : {std::pair(';', "semicolons"), std::pair('|', "bars (|)")}) {
    const Reading other = read_with(sample, separator, "");
    if (!other.is_table() || (has_commas && commas.agreement >= other.agreement)) continue;
    return faulty(std::string("has ") + std::to_string(other.width) + " columns with " + name +
                  " between them, which berth doesn't read; save it with commas (CSV) or tabs (TSV) between them");
  }
  if (has_commas) return read_table(sample, std::move(commas), extension);
  const bool is_uneven = commas.width >= 2 || tabs.width >= 2;
  return faulty(is_uneven && (extension == "csv" || extension == "tsv")
                    ? "has rows with different numbers of fields; put texts that have the separator in them in quotes"
                    : "has no columns: no tabs or commas that divide all of its lines alike");
}

}  // namespace

RawTable read_raw_table(const DataSample& sample) {
  const std::string extension = extension_of(sample.path);
  const std::string_view line = trim(first_line(sample.text));
  if (line.empty()) return faulty("is empty");
  const std::string chosen = chosen_or(sample, "format", "auto");
  const bool is_json = is_json_extension(extension) || chosen == "jsonl";
  if (line.front() == '[' && (is_json || line == "[" || line.starts_with("[{"))) {
    return faulty("is one JSON array; make it JSON lines, one object a line:  jq -c '.[]' OLD > NEW.jsonl");
  }
  if (line.front() == '{' || is_json) return read_json_lines(sample, extension);
  return read_separated(sample, extension);
}

}  // namespace berth::kit
