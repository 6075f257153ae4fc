#include "advice.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "berth/kit/json.h"
#include "berth/kit/sample.h"
#include "berth/kit/tags.h"
#include "berth/kit/text.h"

namespace berth::classification {
namespace {

using kit::ColumnKind;
using kit::SampleColumn;
using kit::SampleTable;

constexpr const char* kNeeds =
    "needs two columns of a TSV, CSV or JSON lines file: texts, and labels (few different values that come again and "
    "again) or numbers";
constexpr std::size_t kMostClasses = 10;  // different whole numbers that are taken as classes, such as stars

bool is_one_of(const std::string& name, const std::vector<std::string_view>& usual) {
  const std::string plain = kit::plain_name(name);
  return std::find(usual.begin(), usual.end(), plain) != usual.end();
}

bool is_label_name(const std::string& name) {
  return is_one_of(name, {"label",  "labels",   "class",  "category", "categories", "sentiment", "goldlabel", "intent",
                          "rating", "stars",    "score",  "topic",    "target",     "tag",       "tags",      "y",
                          "genre",  "polarity", "stance", "emotion",  "spam",       "toxic",     "similarity"});
}

bool is_text_name(const std::string& name) {
  return is_one_of(name, {"text", "texts", "sentence", "review", "reviewtext", "body", "message", "content", "comment",
                          "tweet", "utterance", "document", "description", "query"});
}

bool is_text(const SampleColumn& column) { return column.kind == ColumnKind::kText && column.distinct > 1; }

// The labels that values hold, where most of them are lists, or many consist of parts that come again.
struct SeveralLabels {
  std::string separator;  // "": JSON lists
  std::size_t distinct = 0;
};

std::optional<SeveralLabels> read_parts(const SampleColumn& column, char separator) {
  std::map<std::string_view, std::size_t> counts;
  std::size_t parts = 0;
  std::size_t divided = 0;
  for (const std::string& value : column.values) {
    divided += value.find(separator) != std::string::npos ? 1 : 0;
    for (std::string_view rest = value; !rest.empty();) {
      const std::size_t end = rest.find(separator);
      const std::string_view part = kit::trim(rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
      if (part.empty()) continue;
      if (kit::words_of(part).size() > 3) return std::nullopt;  // a clause of a text
      ++counts[part];
      ++parts;
    }
  }
  const bool comes_again = parts >= 2 * counts.size() && counts.size() > 1;
  if (!comes_again || 10 * divided < column.filled || counts.size() > column.distinct) return std::nullopt;
  return SeveralLabels{std::string(1, separator), counts.size()};
}

std::optional<SeveralLabels> several_labels(const SampleColumn& column) {
  if (column.kind == ColumnKind::kText && !column.values.empty()) {
    for (const char separator : {',', ';', '|'}) {
      if (auto found = read_parts(column, separator)) return found;
    }
  }
  if (column.kind != ColumnKind::kList) return std::nullopt;
  std::map<std::string, std::size_t> counts;
  std::size_t parts = 0;
  for (const std::string& value : column.values) {
    if (value.empty() || value.front() != '[') return std::nullopt;
    const kit::Json list = kit::parse_json(value);
    for (const kit::Json& part : list.as_array()) {
      if (part.is_object() || part.is_array()) return std::nullopt;
      ++counts[kit::dump_json(part)];
      ++parts;
    }
  }
  return parts >= 2 * counts.size() && counts.size() > 1 ? std::optional(SeveralLabels{"", counts.size()})
                                                         : std::nullopt;
}

// The words' tags of a CoNLL file.
bool holds_tags(const SampleColumn& column) {
  return column.distinct > 1 && column.kind == ColumnKind::kText &&
         std::all_of(column.values.begin(), column.values.end(),
                     [](const std::string& value) { return value.empty() || kit::parse_tag(value); }) &&
         std::find(column.values.begin(), column.values.end(), "O") != column.values.end();
}

// 0 to 1: how well the column would do as the label.
double label_score(const SampleColumn& column) {
  const double named = is_label_name(column.name) ? 0.45 : 0;
  const auto filled = static_cast<double>(column.filled);
  if (column.filled == 0 || column.distinct < 2) return 0;
  if (several_labels(column)) return 0.5 + named;
  if (column.kind == ColumnKind::kNumber) return (column.distinct <= kMostClasses ? 0.45 : 0.2) + named;
  const double repeated = 1 - static_cast<double>(column.distinct) / filled;
  if (column.kind != ColumnKind::kText || column.words > 5 || holds_tags(column)) return 0;
  if (repeated < 0.5 && named == 0) return 0;
  return 0.1 + 0.4 * repeated + named - (column.top_share > 0.95 ? 0.4 : 0) - (column.words > 2.5 ? 0.1 : 0);
}

const SampleColumn* best_label(const SampleTable& table, const SampleColumn* text, const SampleColumn* pair) {
  const SampleColumn* best = nullptr;
  double best_score = 0;
  for (const SampleColumn& column : table.columns) {
    if (&column == text || &column == pair) continue;
    const double score = label_score(column);
    if (!(score > 0) || score < best_score) continue;
    best = &column;
    best_score = score;
  }
  return best;
}

double text_score(const SampleColumn& column) {
  if (column.distinct < 2) return 0;
  // A name is a text where a file has nothing longer: who tells languages apart by them.
  const bool is_fallback = column.kind == ColumnKind::kIdentifier && column.name.find("id") == std::string::npos &&
                           column.name.find("url") == std::string::npos && !kit::parse_number(column.values.front());
  if (!is_text(column) && !is_fallback) return 0;
  return (column.characters + 10) * (is_text_name(column.name) ? 3 : 1) * (is_fallback ? 0.01 : 1);
}

const SampleColumn* best_text(const SampleTable& table, const SampleColumn* label, const SampleColumn* other) {
  const SampleColumn* best = nullptr;
  for (const SampleColumn& column : table.columns) {
    if (&column == label || &column == other || text_score(column) <= 0) continue;
    if (best == nullptr || text_score(column) > text_score(*best)) best = &column;
  }
  return best;
}

// Whether two columns are named as a pair: "sentence1" and "sentence2", "premise" and "hypothesis".
bool is_pair(const std::string& first, const std::string& second) {
  const std::string a = kit::plain_name(first);
  const std::string b = kit::plain_name(second);
  if (a.size() == b.size() && a.size() > 1 && a.compare(0, a.size() - 1, b, 0, b.size() - 1) == 0) {
    return (a.back() == '1' && b.back() == '2') || (a.back() == 'a' && b.back() == 'b');
  }
  static constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
      {"premise", "hypothesis"}, {"query", "passage"},    {"question", "sentence"}, {"question", "answer"},
      {"query", "document"},     {"question", "passage"}, {"text", "textpair"},     {"claim", "evidence"}};
  return std::any_of(std::begin(kPairs), std::end(kPairs),
                     [&](const auto& pair) { return pair.first == a && pair.second == b; });
}

struct Columns {
  const SampleColumn* text = nullptr;
  const SampleColumn* pair = nullptr;
  const SampleColumn* label = nullptr;
};

Columns find_columns(const SampleTable& table, const DataSample& sample) {
  Columns columns;
  columns.label = kit::chosen_column(table, sample, "label");
  columns.text = kit::chosen_column(table, sample, "text");
  columns.pair = kit::chosen_column(table, sample, "text_pair");
  if (columns.label == nullptr) columns.label = best_label(table, columns.text, columns.pair);
  const bool looks_for_pair = columns.text == nullptr && sample.chosen.count("text_pair") == 0;
  for (const SampleColumn& first : table.columns) {
    for (const SampleColumn& second : table.columns) {
      const bool fits = looks_for_pair && is_text(first) && is_text(second) && is_pair(first.name, second.name);
      if (!fits || &first == columns.label || &second == columns.label) continue;
      return {&first, &second, columns.label};
    }
  }
  if (columns.text == nullptr) columns.text = best_text(table, columns.label, columns.pair);
  // Without names: two columns of texts and a label are a pair with its relation.
  if (!table.has_names && looks_for_pair && table.columns.size() == 3 && columns.text != nullptr) {
    const SampleColumn* other = best_text(table, columns.label, columns.text);
    if (other != nullptr && other->words >= 3 && other < columns.text) std::swap(other, columns.text);
    if (other != nullptr && other->words >= 3) columns.pair = other;
  }
  return columns;
}

// A chosen column that the file lacks.
std::string missing_column(const SampleTable& table, const DataSample& sample) {
  for (const char* option : {"text", "text_pair", "label"}) {
    if (kit::chosen_string(sample, option) == "") continue;  // no pair, say
    if (auto missing = kit::missing_column(table, sample, option); !missing.empty()) return missing;
  }
  return {};
}

std::string name_of(const SampleColumn& column, const SampleTable& table) {
  return (table.has_names ? "column " : "column no. ") + kit::quote_for_message(column.name);
}

// Adds the task's options that the labels want, and says what they are.
std::string describe_labels(const SampleColumn& label, const SampleTable& table, Suggestion& suggestion) {
  std::string reason = name_of(label, table) + " has ";
  if (const auto several = several_labels(label)) {
    suggestion.options.emplace_back("kind", "\"multi-label\"");
    if (!several->separator.empty() && several->separator != ",") {
      suggestion.data.emplace_back("separator", kit::toml_string(several->separator));
    }
    return reason + "several of " + std::to_string(several->distinct) + " labels a text";
  }
  const bool is_whole = std::all_of(label.values.begin(), label.values.end(), [](const std::string& value) {
    return value.find_first_of(".eE") == std::string::npos;
  });
  if (label.kind == ColumnKind::kNumber && (!is_whole || label.distinct > kMostClasses)) {
    suggestion.options.emplace_back("kind", "\"regression\"");
    return reason + "numbers: regression";
  }
  reason += std::to_string(label.distinct) + " different values";
  if (label.kind == ColumnKind::kNumber && label.distinct > 2) {
    reason += " (for a number as answer, set kind = \"regression\")";
  }
  return reason;
}

Suggestion suggest_columns(const SampleTable& table, const Columns& columns) {
  Suggestion suggestion;
  std::vector<kit::ColumnRole> roles = {{"text", columns.text}, {"label", columns.label}};
  if (columns.pair != nullptr) roles.insert(roles.begin() + 1, {"text_pair", columns.pair});
  suggestion.data = kit::data_options(table, roles);
  suggestion.reason = name_of(*columns.text, table) + " holds the texts";
  if (columns.pair != nullptr) suggestion.reason += ", " + name_of(*columns.pair, table) + " what they go with";
  suggestion.reason += ", " + describe_labels(*columns.label, table, suggestion);
  const double by_text = columns.text->words >= 2.5 ? 0.45 : 0.25;
  const double by_name = is_text_name(columns.text->name) || columns.pair != nullptr ? 0.05 : 0;
  suggestion.fit = (0.47 + by_text + by_name) * std::clamp(2 * label_score(*columns.label), 0.1, 1.0);
  // Words with a tag each are another task's.
  if (std::any_of(table.columns.begin(), table.columns.end(), holds_tags)) suggestion.fit = 0.05;
  return suggestion;
}

}  // namespace

std::vector<Suggestion> suggest_data(const DataSample& sample) {
  const kit::SampleRows rows = kit::read_sample_rows(sample);
  if (!rows.table) return {kit::no_fit(std::string(kNeeds) + "; the file " + rows.fault)};
  const std::string missing = missing_column(*rows.table, sample);
  if (!missing.empty()) return {kit::no_fit(missing)};
  const Columns columns = find_columns(*rows.table, sample);
  if (columns.text == nullptr || columns.label == nullptr) {
    const char* lacks = columns.text != nullptr ? "; found none with labels" : "; found none with texts";
    return {kit::no_fit(std::string(kNeeds) + lacks)};
  }
  return {suggest_columns(*rows.table, columns)};
}

}  // namespace berth::classification
