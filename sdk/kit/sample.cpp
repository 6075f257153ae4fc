#include "berth/kit/sample.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "berth/kit/columns.h"
#include "berth/kit/text.h"
#include "sample_rows.h"

namespace berth::kit {
namespace {

constexpr double kNearlyAll = 0.95;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "2024-03-01", "01.03.2024 12:30", "12:30:05", "192.168.0.1": digits in at least three groups.
bool is_date(std::string_view text) {
  if (text.size() < 5 || text.size() > 32 || !is_digit(text.front())) return false;
  std::size_t separators = 0;
  for (const char c : text) {
    if (c == '-' || c == '/' || c == '.' || c == ':') {
      ++separators;
    } else if (!is_digit(c) && c != 'T' && c != 'Z' && c != ' ' && c != '+') {
      return false;
    }
  }
  return separators >= 2;
}

bool is_single_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

// Kana, ideographs and Hangul begin with these bytes, and have no spaces between words.
double count_words(std::string_view text) {
  const auto dense = std::count_if(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0xE3U && byte <= 0xEDU;
  });
  return std::max(static_cast<double>(words_of(text).size()), static_cast<double>(dense) / 2);
}

double count_characters(std::string_view text) {
  return static_cast<double>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool names_an_identifier(const std::string& name) {
  static constexpr std::string_view kNames[] = {"id",    "uid", "uuid", "guid", "idx",
                                                "index", "key", "url",  "link", "row"};
  const std::string plain = plain_name(name);
  const bool is_known = std::find(std::begin(kNames), std::end(kNames), plain) != std::end(kNames);
  return is_known || name.ends_with("_id") || name.ends_with("ID") || name.ends_with("Id");
}

// Numbers that grow by one from row to row.
bool counts_rows(const std::vector<std::string>& values) {
  double last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double number = parse_number(trim(values[i])).value_or(0);
    if (i > 0 && number != last + 1) return false;
    last = number;
  }
  return values.size() > 2;
}

ColumnKind kind_of(const SampleColumn& column, std::size_t numbers, std::size_t dates, std::size_t single_words) {
  const auto filled = static_cast<double>(column.filled);
  if (column.filled == 0) return ColumnKind::kEmpty;
  const bool is_distinct = static_cast<double>(column.distinct) >= kNearlyAll * filled;
  const bool is_named = names_an_identifier(column.name);
  if (static_cast<double>(numbers) >= kNearlyAll * filled) {
    return counts_rows(column.values) || (is_named && is_distinct) ? ColumnKind::kIdentifier : ColumnKind::kNumber;
  }
  if (static_cast<double>(dates) >= kNearlyAll * filled) return ColumnKind::kDate;
  const bool is_words = static_cast<double>(single_words) >= kNearlyAll * filled;
  return is_words && ((is_distinct && column.filled > 2) || is_named) ? ColumnKind::kIdentifier : ColumnKind::kText;
}

// Fills in all but name and values. holds: what JSON says of the values.
void measure(SampleColumn& column, CellType holds) {
  std::map<std::string_view, std::size_t> counts;
  std::size_t numbers = 0;
  std::size_t dates = 0;
  std::size_t single_words = 0;
  for (const std::string& value : column.values) {
    const std::string_view text = trim(value);
    if (text.empty()) continue;
    ++column.filled;
    ++counts[text];
    column.characters += count_characters(text);
    column.words += count_words(text);
    numbers += parse_number(text) ? 1 : 0;
    dates += is_date(text) ? 1 : 0;
    single_words += is_single_word(text) ? 1 : 0;
  }
  column.distinct = counts.size();
  if (column.filled > 0) {
    const auto filled = static_cast<double>(column.filled);
    std::size_t top = 0;
    for (const auto& [value, count] : counts) top = std::max(top, count);
    column.top_share = static_cast<double>(top) / filled;
    column.characters /= filled;
    column.words /= filled;
  }
  if (holds == CellType::kScalar || column.filled == 0) {
    column.kind = kind_of(column, numbers, dates, single_words);
  } else {
    column.kind = holds == CellType::kList ? ColumnKind::kList : ColumnKind::kObject;
  }
}

std::string describe(const SampleColumn& column) {
  const std::string number = std::to_string(column.distinct);
  switch (column.kind) {
    case ColumnKind::kEmpty:
      return "nothing";
    case ColumnKind::kNumber:
      return number + " different numbers";
    case ColumnKind::kDate:
      return "dates";
    case ColumnKind::kIdentifier:
      return "identifiers";
    case ColumnKind::kList:
      return "lists";
    case ColumnKind::kObject:
      return "objects";
    case ColumnKind::kText:
      break;
  }
  if (column.distinct == 1) return "always the same";
  if (2 * column.distinct <= column.filled && column.words < 4) return number + " different values";
  return "texts, " + std::to_string(std::lround(column.words)) + " words on average";
}

}  // namespace

const SampleColumn* SampleTable::find(std::string_view name) const {
  const auto at = std::find_if(columns.begin(), columns.end(), [&](const auto& column) { return column.name == name; });
  return at == columns.end() ? nullptr : &*at;
}

SampleRows read_sample_rows(const DataSample& sample) {
  RawTable raw = read_raw_table(sample);
  if (!raw.fault.empty()) return {std::nullopt, std::move(raw.fault)};
  SampleTable table;
  table.rows = raw.rows.size();
  table.has_names = raw.has_names;
  table.data = std::move(raw.data);
  table.columns.reserve(raw.names.size());
  for (std::size_t i = 0; i < raw.names.size(); ++i) {
    SampleColumn column;
    column.name = raw.names[i];
    column.values.reserve(raw.rows.size());
    for (std::vector<std::string>& row : raw.rows) column.values.push_back(std::move(row[i]));
    measure(column, raw.types.empty() ? CellType::kScalar : raw.types[i]);
    table.columns.push_back(std::move(column));
  }
  return {std::move(table), {}};
}

std::vector<std::pair<std::string, std::string>> data_options(const SampleTable& table,
                                                              const std::vector<ColumnRole>& roles) {
  std::vector<std::pair<std::string, std::string>> options = table.data;
  std::map<const SampleColumn*, std::string> names;
  if (!table.has_names) {
    for (const ColumnRole& role : roles) names.emplace(role.column, role.option);
    std::string list;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      std::string& name = names[&table.columns[i]];
      if (name.empty()) name = "column_" + std::to_string(i + 1);
      list.append(i == 0 ? "[" : ", ").append(toml_string(name));
    }
    options.emplace_back("columns", list + "]");
  }
  for (const ColumnRole& role : roles) {
    options.emplace_back(role.option, toml_string(table.has_names ? role.column->name : names[role.column]));
  }
  return options;
}

std::string describe_columns(const SampleTable& table) {
  constexpr std::size_t kShown = 12;
  std::string text;
  for (std::size_t i = 0; i < table.columns.size() && i < kShown; ++i) {
    const SampleColumn& column = table.columns[i];
    text.append(i == 0 ? "" : ", ").append(quote_for_message(column.name)).append(" (");
    text.append(describe(column)).append(")");
  }
  if (table.columns.size() > kShown) text += " and " + std::to_string(table.columns.size() - kShown) + " more";
  return text;
}

std::optional<std::string> chosen_string(const DataSample& sample, std::string_view option) {
  const auto found = sample.chosen.find(std::string(option));
  if (found == sample.chosen.end()) return std::nullopt;
  try {
    const Json value = parse_json(found->second);
    return value.is_string() ? std::optional(value.as_string()) : std::nullopt;
  } catch (const Error&) {
    return std::nullopt;  // TOML's other ways to write a string; the reader will say whether it likes the value
  }
}

const SampleColumn* chosen_column(const SampleTable& table, const DataSample& sample, std::string_view option) {
  const std::optional<std::string> name = chosen_string(sample, option);
  return name ? table.find(*name) : nullptr;
}

std::string missing_column(const SampleTable& table, const DataSample& sample, std::string_view option) {
  const std::optional<std::string> name = chosen_string(sample, option);
  if (!name || table.find(*name) != nullptr) return {};
  return "there is no column " + quote_for_message(*name) + " for `" + std::string(option) + "`; found " +
         describe_columns(table);
}

std::string toml_string(std::string_view text) {
  std::string json = dump_json(Json(text));
  for (std::size_t at = json.find('\x7f'); at != std::string::npos; at = json.find('\x7f', at)) {
    json.replace(at, 1, "\\u007f");  // JSON takes it as it is, TOML does not
  }
  return json;
}

std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      plain += static_cast<char>(c - 'A' + 'a');
    } else if (c != ' ' && c != '_' && c != '-' && c != '.') {
      plain += c;
    }
  }
  return plain;
}

std::vector<std::string_view> words_of(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  std::vector<std::string_view> words;
  for (std::size_t at = text.find_first_not_of(kSpaces); at != std::string_view::npos;) {
    const std::size_t end = text.find_first_of(kSpaces, at);
    words.push_back(text.substr(at, end - at));
    at = text.find_first_not_of(kSpaces, end);
  }
  return words;
}

Suggestion no_fit(std::string reason) {
  Suggestion suggestion;
  suggestion.reason = std::move(reason);
  return suggestion;
}

}  // namespace berth::kit
