#include "reader.h"

#include <filesystem>
#include <map>
#include <utility>

#include "answers.h"
#include "berth/kit/columns.h"
#include "berth/kit/lines.h"
#include "berth/kit/text.h"
#include "squad_stream.h"

namespace berth::qa {
namespace {

BadAnswers bad_answers_of(const std::string& name) {
  if (name == "skip") return BadAnswers::kSkip;
  return name == "nearest" ? BadAnswers::kNearest : BadAnswers::kError;
}

bool is_squad(const std::string& path, const DataOptions& options) {
  if (options.format != "auto") return options.format == "squad";
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".json") return true;
  if (extension == ".jsonl" || extension == ".ndjson") return false;
  const kit::LineReader readable(path);  // a file that is not there is the first thing to say
  throw Error(ErrorKind::kConfig, path + ": the extension '" + extension +
                                      "' says no format; expected .json (SQuAD's), .jsonl or .ndjson. Set `format` to "
                                      "\"squad\" or \"jsonl\" in the task's data options");
}

// Without answers.
std::unique_ptr<QaExample> make_example(const kit::Record& record, const DataOptions& options) {
  auto example = std::make_unique<QaExample>();
  example->where = record.where();
  example->id = record.find(options.id) != nullptr ? record.text(options.id) : std::to_string(record.where().line);
  example->question = record.text(options.question);
  example->context = std::make_shared<const std::string>(record.text(options.context));
  example->fields = record.json();
  return example;
}

class JsonLines final : public ExampleStream {
 public:
  JsonLines(std::unique_ptr<kit::RowStream> rows, DataOptions options)
      : rows_(std::move(rows)), options_(std::move(options)) {}

  std::unique_ptr<Example> next() override {
    while (const std::optional<kit::Record> record = rows_->next()) {
      std::unique_ptr<QaExample> example = make_example(*record, options_);
      if (read_answers(record->at(options_.answers), bad_answers_of(options_.bad_answers), *example)) return example;
    }
    return nullptr;
  }

 private:
  std::unique_ptr<kit::RowStream> rows_;
  DataOptions options_;
};

// Results are kept by id, in the official format too: one that comes twice in a file would hide the first.
class DistinctIds final : public ExampleStream {
 public:
  explicit DistinctIds(std::unique_ptr<ExampleStream> stream) : stream_(std::move(stream)) {}

  std::unique_ptr<Example> next() override {
    std::unique_ptr<Example> example = stream_->next();
    if (!example) return nullptr;
    const auto& own = static_cast<const QaExample&>(*example);
    const auto [first, is_new] = places_.emplace(own.id, own.where.line);
    if (is_new) return example;
    throw Error(ErrorKind::kContent, own.where,
                "the id " + kit::quote_for_message(own.id) + " comes twice" +
                    (first->second > 0 ? ", first in line " + std::to_string(first->second) : "") +
                    "; give each question an id of its own");
  }

 private:
  std::unique_ptr<ExampleStream> stream_;
  std::map<std::string, std::int64_t> places_;
};

}  // namespace

void QaReader::describe(Options& options) {
  options.field("format", options_.format, "of the file; auto: .json is SQuAD's, .jsonl and .ndjson are JSON lines")
      .one_of({"auto", "squad", "jsonl"});
  options.field("question", options_.question, "JSON lines: the field that holds the question");
  options.field("context", options_.context, "JSON lines: the field that holds the text in which the answer stands");
  options.field("answers", options_.answers, "JSON lines: the field that holds the answers");
  options.field("id", options_.id, "JSON lines: the field that holds the question's id; without it, the line's number");
  options
      .field("bad_answers", options_.bad_answers,
             "an answer that does not stand at its answer_start: an error, skip the question, or take the nearest one")
      .one_of({"error", "skip", "nearest"});
}

std::unique_ptr<ExampleStream> QaReader::open(const std::string& path) const {
  std::unique_ptr<ExampleStream> stream;
  if (is_squad(path, options_)) {
    stream = open_squad(path, bad_answers_of(options_.bad_answers));
  } else {
    kit::ColumnOptions columns;
    columns.format = "jsonl";
    stream = std::make_unique<JsonLines>(kit::open_rows(path, columns, {}), options_);
  }
  return std::make_unique<DistinctIds>(std::move(stream));
}

std::unique_ptr<Example> QaReader::from_json(std::string_view json, const Where& where) const {
  return make_example(kit::parse_record(json, where), options_);
}

}  // namespace berth::qa
