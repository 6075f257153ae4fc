#include "advice.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "berth/kit/columns.h"
#include "berth/kit/json.h"
#include "berth/kit/sample.h"
#include "berth/kit/tags.h"
#include "berth/kit/text.h"
#include "json_examples.h"

namespace berth::ner {
namespace {

using kit::ColumnKind;
using kit::SampleColumn;
using kit::SampleTable;

constexpr const char* kNeeds =
    "needs a file with a word and its tag a line (B-person, I-person, O) and an empty line after each sentence, or "
    "JSON "
    "lines with `text` and `entities` or with `tokens` and `tags`";

// --- CoNLL -----------------------------------------------------------------------------------------------------------

// The lines of a sample that hold words, by their columns.
struct Lines {
  std::vector<std::vector<std::string_view>> rows;
  std::size_t sentences = 0;    // that an empty line ends
  std::size_t comments = 0;     // lines that begin with "# "
  bool has_hash_words = false;  // the word "#" with a tag: then no line is a comment
};

std::vector<std::string_view> split(std::string_view line) {
  if (line.find('\t') == std::string_view::npos) return kit::words_of(line);
  std::vector<std::string_view> columns;
  while (true) {
    const std::size_t tab = line.find('\t');
    columns.push_back(kit::trim(line.substr(0, tab)));
    if (tab == std::string_view::npos) return columns;
    line.remove_prefix(tab + 1);
  }
}

// Not a comment, whatever it begins with.
bool ends_with_tag(std::string_view line) {
  const auto fields = split(line);
  return fields.size() >= 2 && kit::parse_tag(fields.back());
}

Lines read_lines(std::string_view text) {
  Lines lines;
  bool is_within = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (kit::trim(line).empty()) {
      lines.sentences += is_within ? 1 : 0;
      is_within = false;
    } else if (line.starts_with("# ") && !ends_with_tag(line)) {
      ++lines.comments;
    } else if (!line.starts_with("-DOCSTART-")) {
      lines.has_hash_words = lines.has_hash_words || line.starts_with("# ");
      lines.rows.push_back(split(line));
      is_within = true;
    }
  }
  return lines;
}

// What the lines have at a place, counted from the end.
struct TagColumn {
  std::size_t from_end = 1;
  double share = 0;  // of lines with a tag there
  std::set<std::string> types;
};

TagColumn look_for_tags(const Lines& lines, std::size_t from_end) {
  TagColumn found;
  found.from_end = from_end;
  std::size_t tags = 0;
  bool has_outside = false;
  for (const auto& row : lines.rows) {
    if (row.size() < std::max<std::size_t>(2, from_end)) continue;
    const std::optional<kit::Tag> tag = kit::parse_tag(row[row.size() - from_end]);
    if (!tag) continue;
    ++tags;
    has_outside = has_outside || tag->prefix == 'O';
    if (tag->prefix != 'O') found.types.insert(tag->type);
  }
  if (has_outside && !found.types.empty())
    found.share = static_cast<double>(tags) / static_cast<double>(lines.rows.size());
  return found;
}

TagColumn best_tags(const Lines& lines) {
  TagColumn best;
  std::size_t width = 0;
  for (const auto& row : lines.rows) width = std::max(width, row.size());
  for (std::size_t from_end = 1; from_end < std::min<std::size_t>(width, 10); ++from_end) {
    TagColumn found = look_for_tags(lines, from_end);
    if (found.share > best.share) best = std::move(found);
  }
  return best;
}

// Whether the first column counts the words of each sentence.
bool has_numbers_first(const Lines& lines) {
  return std::all_of(lines.rows.begin(), lines.rows.end(), [](const auto& row) {
    return row.size() > 2 && !row.front().empty() && row.front().find_first_not_of("0123456789-.") == std::string::npos;
  });
}

std::optional<Suggestion> suggest_conll(const DataSample& sample) {
  const Lines lines = read_lines(sample.text);
  const TagColumn tags = best_tags(lines);
  if (tags.share < 0.9) return std::nullopt;
  Suggestion suggestion;
  suggestion.fit = lines.sentences > 0 ? 0.97 : 0.5;
  suggestion.reason = "a word and its tag a line; " + std::to_string(tags.types.size()) +
                      " types of entities: " + kit::list_names({tags.types.begin(), tags.types.end()});
  if (lines.sentences == 0) suggestion.reason += "; no empty line ends a sentence, so that all is one";
  if (sample.path.find(".json") != std::string::npos || sample.path.find(".ndjson") != std::string::npos) {
    suggestion.data.emplace_back("format", "\"conll\"");
  }
  if (has_numbers_first(lines)) suggestion.data.emplace_back("word", "2");
  if (tags.from_end > 1) suggestion.data.emplace_back("tag", std::to_string(-static_cast<int>(tags.from_end)));
  if (lines.comments > 0 && !lines.has_hash_words) suggestion.data.emplace_back("comment", "\"# \"");
  return suggestion;
}

// --- JSON lines ------------------------------------------------------------------------------------------------------

// Calls `look` with the lists of a column until it says no.
template <typename Look>
bool all_lists(const SampleColumn& column, Look&& look) {
  return column.kind == ColumnKind::kList &&
         std::all_of(column.values.begin(), column.values.end(), [&](const std::string& value) {
           if (value.empty() || value.front() != '[') return value.empty();
           const kit::Json list = kit::parse_json(value);
           return std::all_of(list.as_array().begin(), list.as_array().end(), look);
         });
}

bool holds_entities(const SampleColumn& column, std::set<std::string>& types) {
  const bool fits = all_lists(column, [&](const kit::Json& entry) {
    const bool is_triple = entry.is_array() && entry.as_array().size() == 3 && entry.as_array().front().is_int();
    const bool is_object = entry.find("start") != nullptr && entry.find("end") != nullptr;
    const kit::Json* label = is_triple ? &entry.as_array()[2] : entry.find("label");
    const bool is_entity = (is_triple || is_object) && label != nullptr && label->is_string();
    if (is_entity) types.insert(label->as_string());
    return is_entity;
  });
  return fits && !types.empty();
}

bool holds_tags(const SampleColumn& column, std::set<std::string>& types) {
  const bool fits = all_lists(column, [&](const kit::Json& entry) {
    const std::optional<kit::Tag> tag = entry.is_string() ? kit::parse_tag(entry.as_string()) : std::nullopt;
    if (tag && tag->prefix != 'O') types.insert(tag->type);
    return tag.has_value();
  });
  return fits && !types.empty();
}

bool holds_words(const SampleColumn& column) {
  return all_lists(column, [](const kit::Json& entry) { return entry.is_string(); });
}

// Whether some entity begins or ends within a word: the reader refuses that unless it may widen it.
bool must_widen(const DataSample& sample, const DataOptions& options) {
  std::string_view text = sample.text;
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = text.find('\n');
    const std::string_view row = kit::trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (row.empty()) continue;
    try {
      make_example(kit::parse_record(row, {}), options, /*is_labelled=*/true);
    } catch (const Error& error) {
      if (std::string_view(error.what()).find("widen") != std::string_view::npos) return true;
    }
  }
  return false;
}

// Words that come split, with their tags.
std::optional<Suggestion> suggest_tokens(const SampleTable& table) {
  for (const SampleColumn& tags : table.columns) {
    std::set<std::string> types;
    if (!holds_tags(tags, types)) continue;
    for (const SampleColumn& tokens : table.columns) {
      if (&tokens == &tags || !holds_words(tokens)) continue;
      Suggestion suggestion;
      suggestion.fit = 0.97;
      suggestion.reason =
          "fields " + kit::quote_for_message(tokens.name) + " and " + kit::quote_for_message(tags.name) +
          " hold words and their tags; types of entities: " + kit::list_names({types.begin(), types.end()});
      suggestion.data = kit::data_options(table, {{"tokens", &tokens}, {"tags", &tags}});
      return suggestion;
    }
  }
  return std::nullopt;
}

const SampleColumn* find_text(const SampleTable& table, const DataSample& sample) {
  const SampleColumn* best = table.find(kit::chosen_string(sample, "text").value_or("text"));
  if (best != nullptr) return best;
  for (const SampleColumn& column : table.columns) {
    if (column.kind == ColumnKind::kText && (best == nullptr || column.characters > best->characters)) best = &column;
  }
  return best;
}

std::optional<Suggestion> suggest_entities(const SampleTable& table, const DataSample& sample) {
  const SampleColumn* text = find_text(table, sample);
  if (text == nullptr) return std::nullopt;
  const std::optional<std::string> chosen = kit::chosen_string(sample, "entities");
  for (const SampleColumn& entities : table.columns) {
    std::set<std::string> types;
    if ((chosen && entities.name != *chosen) || !holds_entities(entities, types)) continue;
    Suggestion suggestion;
    suggestion.fit = 0.97;
    suggestion.reason = "field " + kit::quote_for_message(entities.name) + " marks stretches of " +
                        kit::quote_for_message(text->name) +
                        "; types of entities: " + kit::list_names({types.begin(), types.end()});
    suggestion.data = kit::data_options(table, {{"text", text}, {"entities", &entities}});
    DataOptions options;
    options.text = text->name;
    options.entities = entities.name;
    if (must_widen(sample, options)) suggestion.data.emplace_back("widen", "true");
    return suggestion;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Suggestion> suggest_data(const DataSample& sample) {
  if (std::optional<Suggestion> conll = suggest_conll(sample)) return {*std::move(conll)};
  const kit::SampleRows rows = kit::read_sample_rows(sample);
  if (!rows.table) return {kit::no_fit(kNeeds)};
  if (std::optional<Suggestion> tokens = suggest_tokens(*rows.table)) return {*std::move(tokens)};
  if (std::optional<Suggestion> entities = suggest_entities(*rows.table, sample)) return {*std::move(entities)};
  return {kit::no_fit(kNeeds)};
}

}  // namespace berth::ner
