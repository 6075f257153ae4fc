// The checks of validation.h, one function each, and what they share.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/training/session.h"
#include "core/validation/validation.h"

namespace berth::validation {

// file_checks.cpp
std::string check_manifest(const Subject& subject);
std::string check_exports(const Subject& subject);
std::string check_load(const Subject& subject);
std::string check_options(const Subject& subject);

// data_checks.cpp
std::string check_rows(const Subject& subject);
std::string check_threads(const Subject& subject);
std::string check_inputs(const Subject& subject);

// head_checks.cpp
std::string check_loss(const Subject& subject);
std::string check_gradient(const Subject& subject);
std::string check_learning(const Subject& subject);

// prediction_checks.cpp
std::string check_batches(const Subject& subject);
std::string check_reload(const Subject& subject);
std::string check_metric(const Subject& subject);
std::string check_display(const Subject& subject);

// error_checks.cpp
std::string check_errors(const Subject& subject);

// Throws Error kPlugin with this text.
[[noreturn]] void fail(const std::string& text);

// Finds the subject's plugin in its own folder, and is told what it changed in the process. Throws Error kPlugin where
// another file of the folder has its id.
struct Found {
  plugin::Registry registry;
  std::string id;
  std::shared_ptr<std::vector<std::string>> warnings;
};
Found find(const Subject& subject);

// The subject's task with some examples of its training set, as training would have them.
struct Bench {
  Found found;
  training::Session session;
  data::TaskData data;  // examples kept; one batch of them all is what the checks of heads look at

  training::TaskSession& task() { return session.tasks.front(); }
  std::unique_ptr<Batch> batch() const { return data.store.pack_from(0, data.store.size()); }
};
constexpr std::int64_t kExamples = 16;
Bench make_bench(const Subject& subject, suite::Precision precision = suite::Precision::kFloat32,
                 std::int64_t examples = kExamples);

// The first `count` examples that make_bench() looks at, read anew.
data::Examples some_examples(const plugin::LoadedTask& task, std::int64_t count);

// What the task's head reads of the encoder, without dropout.
model::EncoderOutput encode(Bench& bench, const Batch& batch);

// The JSON of each example's prediction, in the order of the examples. batch_size: sequences at once.
std::vector<std::string> predictions(const evaluation::TaskModel& model, const data::TaskData& data,
                                     std::int64_t batch_size);

// Where two JSON texts differ, or "": numbers by more than `tolerance` of themselves, anything else at all.
std::string difference(const std::string& a, const std::string& b, double tolerance);

}  // namespace berth::validation
