// The tasks of a run as one model for core/serve/batcher: what all clients ask of all tasks goes through the encoder
// together, a text that several tasks are asked about only once; then each head gets its part. Answers are those of
// `berth predict` with the same checkpoint, but for rounding: a product of more rows may differ in the last bits.
//
// One encoder means one checkpoint for all tasks. A run whose tasks keep a best one each ([evaluation] select_by =
// "each") is served with the run's own best.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/serve/batcher.h"
#include "core/serve/counters.h"
#include "core/serve/shared_pass.h"
#include "core/training/session.h"

namespace berth::serve {

class JointModel {
 public:
  // session: opened with all its tasks; outlives this. Throws what making the tasks' readers throws.
  explicit JointModel(training::Session& session);

  // One answer a question, in order; Question::task is the task's place in the session. What is wrong with one row is
  // the failure of its answer alone. By one thread at a time.
  std::vector<Answer> answer(const std::vector<Question>& questions);

  // Of the last answer().
  const BatchStatistics& statistics() const { return statistics_; }

  // As `berth predict` reads rows: with the options of dev, or of train where there is no dev.
  DatasetReader& reader(std::size_t task) const { return *readers_.at(task); }

 private:
  // A question, and where its answer goes.
  struct Row {
    const Question* question;
    Answer* answer;
  };
  struct ReadRow : Row {
    data::TaskData data;  // of this one example
  };
  // Of one task, with their features end to end.
  struct TaskRows {
    std::vector<Row> rows;
    data::TaskData data;
    std::vector<std::int64_t> sequences;  // of the shared pass, one a feature
  };
  using RowsByTask = std::map<std::size_t, TaskRows>;

  data::TaskData read(const Question& question) const;
  void answer_together(std::vector<ReadRow> rows);
  // data: of the row, where it was read already.
  void answer_alone(const Row& row, std::optional<data::TaskData> data = std::nullopt);
  RowsByTask join(std::vector<ReadRow> rows, SharedPass& pass) const;
  evaluation::PredictionSink sink(std::size_t task, const std::vector<Row>& rows) const;
  model::EncoderOutput encode(const Batch& batch, HeadInput input);

  training::Session& session_;
  std::vector<std::unique_ptr<DatasetReader>> readers_;
  BatchStatistics statistics_;
};

}  // namespace berth::serve
