#include "core/serve/joint_model.h"

#include <chrono>
#include <exception>
#include <nlohmann/json.hpp>
#include <utility>

#include "berth/head.h"
#include "core/data/encoded_batch.h"
#include "core/model/json_text.h"
#include "core/report/prediction_line.h"
#include "core/report/shown_json.h"

namespace berth::serve {
namespace {

using Clock = std::chrono::steady_clock;

// Questions are taken together up to here; what has more tokens alone (a long text in many windows) goes through the
// encoder in batches, as in `berth predict`, so that a request can't ask for more memory than that takes.
constexpr std::int64_t kMostTokens = std::int64_t{16} << 10;

// `from` was made alone, so that a row that the store refuses spoils no other.
void append(data::TaskData from, data::TaskData& to) {
  for (auto& feature : from.features) {
    to.store.add(feature);
    to.features.push_back(std::move(feature));
  }
  to.first_feature.held().push_back(to.store.size());
  to.places.add(from.examples.front()->where);
  to.examples.push_back(std::move(from.examples.front()));
  ++to.example_count;
}

Failure failure_of(const std::exception& error) {
  if (plugin::is_out_of_memory(error)) return {Failure::Cause::kModel, "out of memory; send fewer or shorter texts"};
  const auto* own = dynamic_cast<const Error*>(&error);
  const bool is_input = own != nullptr && (own->kind() == ErrorKind::kContent || own->kind() == ErrorKind::kConfig);
  return {is_input ? Failure::Cause::kInput : Failure::Cause::kModel, error.what()};
}

// Nobody reads it: whoever asked was told already that the time was up.
Failure late() { return {Failure::Cause::kModel, "the time was up"}; }

bool is_late(const Question& question) { return Clock::now() > question.deadline; }

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

JointModel::JointModel(training::Session& session) : session_(session) {
  readers_.reserve(session.tasks.size());
  for (const auto& task : session.tasks) {
    const auto& config = task.task.config();
    readers_.push_back(task.task.make_reader(config.dev ? *config.dev : *config.train));
  }
}

data::TaskData JointModel::read(const Question& question) const {
  const auto& task = session_.tasks.at(question.task).task;
  auto example = task.from_json(*readers_[question.task], question.row, {"row", question.number});
  auto data = data::empty_task_data(task, "input", session_.feature_options());
  data::add_input(task, std::move(example), session_.feature_options(), data);
  return data;
}

std::vector<Answer> JointModel::answer(const std::vector<Question>& questions) {
  statistics_ = {};
  statistics_.questions = static_cast<std::int64_t>(questions.size());
  std::vector<Answer> answers(questions.size());
  std::vector<ReadRow> together;
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (is_late(questions[i])) {
      answers[i].failure = late();
      continue;
    }
    try {
      ReadRow row = {{&questions[i], &answers[i]}, read(questions[i])};
      const auto more = row.data.store.tokens();
      if (!together.empty() && tokens + more > kMostTokens) {
        answer_together(std::exchange(together, {}));
        tokens = 0;
      }
      tokens += more;
      together.push_back(std::move(row));
    } catch (const std::exception& error) {
      answers[i].failure = failure_of(error);
    }
  }
  if (!together.empty()) answer_together(std::move(together));
  return answers;
}

void JointModel::answer_together(std::vector<ReadRow> rows) {
  std::erase_if(rows, [](const ReadRow& row) {  // others were answered before these
    if (!is_late(*row.question)) return false;
    row.answer->failure = late();
    return true;
  });
  if (rows.empty()) return;
  const std::vector<Row> all(rows.begin(), rows.end());
  const auto answer_each = [this](const std::vector<Row>& some) {
    for (const auto& row : some) answer_alone(row);
  };
  if (all.size() == 1 && rows.front().data.store.tokens() > kMostTokens) {
    answer_alone(all.front(), std::move(rows.front().data));
    return;
  }
  SharedPass pass(session_.encoder);
  RowsByTask tasks;
  try {
    tasks = join(std::move(rows), pass);
    const auto start = Clock::now();
    pass.run();
    statistics_.encoder_seconds += seconds_since(start);
  } catch (const std::exception&) {  // by which row, shows when each is alone
    answer_each(all);
    return;
  }
  statistics_.encoded += pass.sequences();
  statistics_.tokens += pass.tokens();
  for (auto& [index, batch] : tasks) {
    statistics_.sequences += batch.data.store.size();
    auto& task = session_.tasks[index];
    try {
      const auto input = task.task.input(*task.head);
      auto options = session_.evaluation_options();
      options.batch_size = batch.data.store.size();
      options.encode = [&, &sequences = batch.sequences](const Batch& of, std::int64_t first) {
        const auto begin = sequences.begin() + first;
        return pass.output({begin, begin + of.size()}, input);
      };
      evaluation::predict(session_.model_of(task), batch.data, options, sink(index, batch.rows));
    } catch (const std::exception&) {
      answer_each(batch.rows);
    }
  }
}

JointModel::RowsByTask JointModel::join(std::vector<ReadRow> rows, SharedPass& pass) const {
  RowsByTask tasks;
  for (auto& row : rows) {
    const auto& task = session_.tasks[row.question->task];
    auto found = tasks.find(row.question->task);
    if (found == tasks.end()) {
      auto data = data::empty_task_data(task.task, "input", session_.feature_options());
      found = tasks.emplace(row.question->task, TaskRows{{}, std::move(data), {}}).first;
    }
    auto& batch = found->second;
    const auto input = task.task.input(*task.head);
    for (const auto& feature : row.data.features) batch.sequences.push_back(pass.add(feature.encoding, input));
    batch.rows.push_back(row);
    append(std::move(row.data), batch.data);
  }
  return tasks;
}

void JointModel::answer_alone(const Row& row, std::optional<data::TaskData> data) {
  if (is_late(*row.question)) {
    row.answer->failure = late();
    return;
  }
  auto& task = session_.tasks[row.question->task];
  try {
    if (!data) data.emplace(read(*row.question));
    const auto input = task.task.input(*task.head);
    auto options = session_.evaluation_options();
    options.encode = [&](const Batch& batch, std::int64_t) { return encode(batch, input); };
    options.wants_stop = [&] { return is_late(*row.question); };
    evaluation::predict(session_.model_of(task), *data, options, sink(row.question->task, {row}));
    row.answer->failure.reset();
  } catch (const evaluation::Stopped&) {
    row.answer->failure = late();
  } catch (const std::exception& error) {
    row.answer->failure = failure_of(error);
  }
}

model::EncoderOutput JointModel::encode(const Batch& batch, HeadInput input) {
  const auto start = Clock::now();
  model::EncoderRun run;
  run.input = input;
  auto output = session_.encoder.forward(data::encoder_input(batch), run);
  statistics_.encoder_seconds += seconds_since(start);
  statistics_.sequences += batch.size();
  statistics_.encoded += batch.size();
  statistics_.tokens += batch.tokens();
  return output;
}

// Writes the answers of these rows, one after the other.
evaluation::PredictionSink JointModel::sink(std::size_t task, const std::vector<Row>& rows) const {
  return [&of = session_.tasks[task].task, rows, next = std::size_t{0}](const Example& example,
                                                                        const Prediction& prediction) mutable {
    const auto& [question, answer] = rows.at(next++);
    answer->json = report::prediction_line(question->row, of.name(), of.json(prediction));
    if (question->form == Form::kShown) {
      answer->shown = model::one_line(report::shown_json(of.show(example, prediction), {}));
    }
  };
}

}  // namespace berth::serve
