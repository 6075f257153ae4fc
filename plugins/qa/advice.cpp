#include "advice.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "berth/kit/sample.h"
#include "berth/kit/text.h"

namespace berth::qa {
namespace {

using kit::ColumnKind;
using kit::SampleColumn;
using kit::SampleTable;

constexpr const char* kNeeds =
    "needs SQuAD's JSON (\"data\", \"paragraphs\", \"qas\"), or JSON lines with `question`, `context` and `answers` "
    "([] "
    "where there is none, else {\"text\": ..., \"answer_start\": ...} or the answer's text)";

bool ends_with(const DataSample& sample, std::string_view extension) {
  return sample.path.ends_with(extension) || sample.path.find(std::string(extension) + ".") != std::string::npos;
}

// The beginning may end anywhere, so that keys are looked for instead of parsing it.
bool is_squad(std::string_view text) {
  const auto has = [&](std::string_view key) { return text.find(key) != std::string_view::npos; };
  return kit::trim(text).starts_with('{') && has("\"data\"") && has("\"paragraphs\"") && has("\"context\"");
}

Suggestion suggest_squad(const DataSample& sample) {
  Suggestion suggestion;
  suggestion.fit = 0.98;
  suggestion.reason = "SQuAD's JSON: questions on texts";
  if (!sample.path.ends_with(".json")) suggestion.data.emplace_back("format", "\"squad\"");
  return suggestion;
}

// The field that the user chose, or the first there is of usual ones.
const SampleColumn* find_field(const SampleTable& table, const DataSample& sample, const std::string& option,
                               const std::vector<std::string_view>& usual) {
  if (const std::optional<std::string> chosen = kit::chosen_string(sample, option)) return table.find(*chosen);
  for (const std::string_view name : usual) {
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const SampleColumn& column) { return kit::plain_name(column.name) == name; });
    if (found != table.columns.end()) return &*found;
  }
  return nullptr;
}

// The share of rows whose context holds the answer's text.
double share_of_answered(const SampleColumn& context, const SampleColumn& answer) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < answer.values.size(); ++i) {
    const std::string_view text = kit::trim(answer.values[i]);
    found += !text.empty() && context.values[i].find(text) != std::string::npos ? 1 : 0;
  }
  return static_cast<double>(found) / static_cast<double>(std::max<std::size_t>(1, answer.filled));
}

}  // namespace

std::vector<Suggestion> suggest_data(const DataSample& sample) {
  if (is_squad(sample.text)) return {suggest_squad(sample)};
  const kit::SampleRows rows = kit::read_sample_rows(sample);
  if (!rows.table) return {kit::no_fit(kNeeds)};
  const SampleTable& table = *rows.table;
  const SampleColumn* question = find_field(table, sample, "question", {"question", "query"});
  const SampleColumn* context =
      find_field(table, sample, "context", {"context", "passage", "paragraph", "document", "text"});
  const SampleColumn* answers = find_field(table, sample, "answers", {"answers", "answer", "answertext"});
  if (question == nullptr || context == nullptr || answers == nullptr) {
    return {kit::no_fit(kNeeds)};
  }
  const bool holds_lists = answers->kind == ColumnKind::kList || answers->kind == ColumnKind::kObject;
  const bool is_json = kit::trim(sample.text).starts_with('{');
  if (!is_json || !holds_lists) {
    if (!is_json && share_of_answered(*context, *answers) < 0.5) {
      return {kit::no_fit(std::string(kNeeds) + "; most answers of the file don't stand in its contexts")};
    }
    return {
        kit::no_fit("reads questions from JSON alone, with a list of answers: write each row as {\"question\": ..., "
                    "\"context\": ..., \"answers\": [\"...\"]}, one a line, in a file that ends in .jsonl")};
  }
  Suggestion suggestion;
  suggestion.fit = 0.97;
  suggestion.reason = "fields " + kit::quote_for_message(question->name) + ", " +
                      kit::quote_for_message(context->name) + " and " + kit::quote_for_message(answers->name) +
                      " hold questions, texts and answers";
  suggestion.data = kit::data_options(table, {{"question", question}, {"context", context}, {"answers", answers}});
  // Here .json means SQuAD's.
  const bool has_format = std::any_of(suggestion.data.begin(), suggestion.data.end(),
                                      [](const auto& option) { return option.first == "format"; });
  if (!has_format && ends_with(sample, ".json")) suggestion.data.emplace_back("format", "\"jsonl\"");
  return {suggestion};
}

}  // namespace berth::qa
