#include "advice.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "berth/kit/sample.h"
#include "berth/kit/text.h"
#include "words.h"

namespace berth::seq2seq {
namespace {

using kit::ColumnKind;
using kit::SampleColumn;
using kit::SampleTable;

constexpr const char* kNeeds =
    "needs two columns of texts in a TSV, CSV or JSON lines file: what is read, and what is written for it, another in "
    "nearly every row";

using Names = std::pair<std::string_view, std::string_view>;
constexpr Names kUsual[] = {{"source", "target"},       {"input", "output"},       {"src", "tgt"},
                            {"document", "summary"},    {"article", "highlights"}, {"article", "summary"},
                            {"text", "summary"},        {"article", "headline"},   {"text", "headline"},
                            {"request", "response"},    {"question", "query"},     {"question", "sql"},
                            {"utterance", "parse"},     {"text", "target"},        {"prompt", "completion"},
                            {"sentence", "paraphrase"}, {"dialogue", "summary"},   {"text", "title"}};

bool is_usual(const SampleColumn& source, const SampleColumn& target) {
  const std::string a = kit::plain_name(source.name);
  const std::string b = kit::plain_name(target.name);
  return std::any_of(std::begin(kUsual), std::end(kUsual),
                     [&](const Names& usual) { return usual.first == a && usual.second == b; });
}

bool is_text(const SampleColumn& column) {
  return column.kind == ColumnKind::kText && 2 * column.distinct > column.filled && column.distinct > 1;
}

// What targets are made of.
struct Copying {
  double copied = 0;        // share of the targets' words that stand in their sources
  double copied_split = 0;  // likewise, where punctuation is split from the sources' words
  std::size_t words = 0;    // of all targets
  std::size_t symbols = 0;  // different ones of the words that stand in no source, punctuation split
  std::size_t longest = 0;  // words of a target
};

Copying look_at(const SampleColumn& source, const SampleColumn& target) {
  Copying result;
  std::size_t copied = 0;
  std::size_t copied_split = 0;
  std::set<std::string> symbols;
  for (std::size_t i = 0; i < source.values.size(); ++i) {
    const std::vector<std::string> words = split_words(source.values[i]);
    const std::vector<std::string> parts = split_punctuation(words);
    const std::set<std::string> whole(words.begin(), words.end());
    const std::set<std::string> split(parts.begin(), parts.end());
    const std::vector<std::string> written = split_words(target.values[i]);
    result.words += written.size();
    result.longest = std::max(result.longest, written.size());
    for (const std::string& word : written) {
      copied += whole.count(word);
      copied_split += split.count(word);
      if (split.count(word) == 0) symbols.insert(word);
    }
  }
  const auto all = static_cast<double>(std::max<std::size_t>(1, result.words));
  result.copied = static_cast<double>(copied) / all;
  result.copied_split = static_cast<double>(copied_split) / all;
  result.symbols = symbols.size();
  return result;
}

// Whether what is not copied is a small set of symbols, such as "[order" and "]".
bool has_symbols(const Copying& copying) {
  const auto generated = (1 - copying.copied_split) * static_cast<double>(copying.words);
  return copying.copied_split > 0.2 && copying.symbols > 0 && copying.symbols <= 200 &&
         generated >= 5 * static_cast<double>(copying.symbols);
}

// Labels make another task of the file: two texts and what holds between them.
bool has_labels(const SampleTable& table, const SampleColumn* source, const SampleColumn* target) {
  return std::any_of(table.columns.begin(), table.columns.end(), [&](const SampleColumn& column) {
    const bool comes_again = 10 * column.distinct <= column.filled || column.distinct <= 3;
    return &column != source && &column != target && column.distinct > 1 && column.top_share < 0.9 && comes_again &&
           column.words < 3;
  });
}

struct Pair {
  const SampleColumn* source = nullptr;
  const SampleColumn* target = nullptr;
};

Pair find_pair(const SampleTable& table, const DataSample& sample) {
  Pair pair{kit::chosen_column(table, sample, "source"), kit::chosen_column(table, sample, "target")};
  if (pair.source != nullptr && pair.target != nullptr) return pair;
  for (const SampleColumn& source : table.columns) {
    for (const SampleColumn& target : table.columns) {
      const bool keeps = (pair.source == nullptr || pair.source == &source) &&
                         (pair.target == nullptr || pair.target == &target) && &source != &target;
      if (keeps && is_text(source) && is_text(target) && is_usual(source, target)) return {&source, &target};
    }
  }
  // The first two columns of texts, in the order of the file.
  for (const SampleColumn& column : table.columns) {
    if (!is_text(column) || &column == pair.source || &column == pair.target) continue;
    if (pair.source == nullptr) {
      pair.source = &column;
    } else if (pair.target == nullptr) {
      pair.target = &column;
    }
  }
  return pair;
}

std::string missing_column(const SampleTable& table, const DataSample& sample) {
  for (const char* option : {"source", "target"}) {
    if (auto missing = kit::missing_column(table, sample, option); !missing.empty()) return missing;
  }
  return {};
}

// Some room above the longest target that was seen: a longer one is refused in training.
std::size_t length_limit(std::size_t longest, bool is_whole) {
  const std::size_t wanted = is_whole ? longest + longest / 4 : 2 * longest;
  return std::max<std::size_t>(is_whole ? 16 : 128, (wanted + 7) / 8 * 8);
}

double fit_of(const SampleTable& table, const Pair& pair, const Copying& copying) {
  double fit = 0.35;
  if (is_usual(*pair.source, *pair.target)) fit += 0.55;
  if (has_symbols(copying)) fit += 0.35;
  if (copying.copied > 0.3) fit += 0.1;
  if (has_labels(table, pair.source, pair.target)) fit -= 0.25;
  if (pair.target->words < 2) fit -= 0.25;
  return std::clamp(fit, 0.05, 0.97);
}

}  // namespace

std::vector<Suggestion> suggest_data(const DataSample& sample) {
  const kit::SampleRows rows = kit::read_sample_rows(sample);
  if (!rows.table) return {kit::no_fit(std::string(kNeeds) + "; the file " + rows.fault)};
  const SampleTable& table = *rows.table;
  const std::string missing = missing_column(table, sample);
  if (!missing.empty()) return {kit::no_fit(missing)};
  const Pair pair = find_pair(table, sample);
  if (pair.source == nullptr || pair.target == nullptr) {
    return {kit::no_fit(kNeeds)};
  }
  const Copying copying = look_at(*pair.source, *pair.target);
  Suggestion suggestion;
  suggestion.fit = fit_of(table, pair, copying);
  suggestion.data = kit::data_options(table, {{"source", pair.source}, {"target", pair.target}});
  const std::string column = table.has_names ? "column " : "column no. ";
  suggestion.reason = column + kit::quote_for_message(pair.source->name) + " holds texts to read, " + column +
                      kit::quote_for_message(pair.target->name) + " texts to write; " +
                      std::to_string(std::lround(100 * copying.copied_split)) + "% of their words are copies";
  if (has_symbols(copying)) {
    suggestion.options.emplace_back("kind", "\"pointer\"");
    suggestion.reason += ", the others " + std::to_string(copying.symbols) + " symbols";
  }
  if (copying.copied_split > copying.copied + 0.01) suggestion.options.emplace_back("split_punctuation", "true");
  suggestion.options.emplace_back("max_length", std::to_string(length_limit(copying.longest, sample.is_whole)));
  return {suggestion};
}

}  // namespace berth::seq2seq
