#include "core/debias/teacher.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <algorithm>

#include "berth/head.h"
#include "core/data/encoded_batch.h"
#include "core/report/run_folder.h"

namespace berth::debias {
namespace {

using training::Session;
using training::TaskSession;

bool same_vocabulary(const Tokenizer& one, const Tokenizer& other) {
  if (one.vocabulary_size() != other.vocabulary_size()) return false;
  for (std::int32_t id = 0; id < one.vocabulary_size(); ++id) {
    if (one.token(id) != other.token(id)) return false;
  }
  return true;
}

// The teacher reads the features of the one that it teaches.
void check_teacher(const Session& session, const TaskSession& task, const Session& teacher) {
  const auto& config = task.task.config();
  const auto refuse = [&](const std::string& why) {
    throw Error(
        ErrorKind::kConfig, config.debias.teacher_where,
        fmt::format("[tasks.{}.debias]: the teacher {} {}; give a plain run of this task on this data, with this "
                    "tokenizer",
                    config.name, config.debias.teacher.string(), why));
  };
  const auto& task_of_teacher = teacher.tasks.front().task;
  if (!same_vocabulary(*session.tokenizer, *teacher.tokenizer)) refuse("has another vocabulary");
  if (teacher.encoder.config().max_position_embeddings < session.suite.model.max_length) {
    refuse(fmt::format("has positions for {} tokens, fewer than model.max_length",
                       teacher.encoder.config().max_position_embeddings));
  }
  if (task_of_teacher.config().plugin != config.plugin || task_of_teacher.save_state() != task.task.save_state()) {
    refuse("knows other labels, or has another plugin");
  }
}

at::Tensor log_probabilities_of(const TaskSession& task, const Session& teacher) {
  const at::NoGradGuard no_grad;
  const auto& own = teacher.tasks.front();
  own.head->eval();
  std::vector<at::Tensor> parts;
  const auto& store = task.train->store;
  const auto size = teacher.suite.evaluation.batch_size;
  for (std::int64_t from = 0; from < store.size(); from += size) {
    const auto batch = store.pack_from(from, size);
    model::EncoderRun run;
    run.input = own.task.input(*own.head);
    const data::EncodedBatch encoded(*batch, teacher.encoder.forward(data::encoder_input(*batch), run));
    const at::Tensor log_p = plugin::guarded(own.task.site("log_probabilities"), [&] {
      return own.head->log_probabilities(own.head->forward(encoded), *batch);
    });
    if (!log_p.defined()) return {};  // prepare() says what the task lacks
    parts.push_back(log_p.cpu().to(at::kDouble));
  }
  return at::cat(parts);
}

}  // namespace

void ask_teachers(Session& session, const plugin::Registry& registry) {
  for (auto& task : session.tasks) {
    const auto& config = task.task.config();
    if (config.debias.teacher.empty()) continue;
    const auto folder = report::RunFolder::open(config.debias.teacher);
    auto suite = suite::read_suite(folder.suite_file(), {});
    suite.model.device = session.encoder.device().str();  // it reads the session's batches
    const auto known = [&](const auto& other) { return other.name == config.name; };
    if (std::none_of(suite.tasks.begin(), suite.tasks.end(), known)) {
      throw Error(ErrorKind::kConfig, config.debias.teacher_where,
                  fmt::format("[tasks.{}.debias]: the teacher {} has no task '{}'", config.name, folder.path().string(),
                              config.name));
    }
    const auto teacher = training::open_session(suite, registry, folder.checkpoint("best", config.name), config.name);
    check_teacher(session, task, teacher);
    task.teacher = log_probabilities_of(task, teacher);
  }
}

}  // namespace berth::debias
