#include "core/training/training_set.h"

#include "core/training/session.h"
#include "core/training/streamed_set.h"

namespace berth::training {

std::unique_ptr<TrainingSet> make_training_set(const Session& session, const TaskSession& task) {
  const auto& config = session.suite.training;
  const auto& of_task = task.task.config();
  if (of_task.stream) {
    const auto buffer = config.shuffle ? of_task.shuffle_buffer : 1;
    return std::make_unique<StreamedSet>(
        task.task, session.feature_options(), *task.train,
        StreamedSet::Options{config.batch_size, config.accumulate, buffer, config.seed});
  }
  const bool is_balanced = of_task.debias.method == suite::DebiasMethod::kBalanced;
  return std::make_unique<HeldSet>(
      task.task.name(), *task.train,
      BatchOptions{config.batch_size, config.accumulate, config.shuffle, static_cast<std::uint64_t>(config.seed),
                   is_balanced ? task.groups.of : std::vector<std::int64_t>()});
}

}  // namespace berth::training
