#include "apps/berth/processes.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <string>

#include "apps/berth/interrupt.h"
#include "apps/berth/run_stages.h"
#include "core/platform/process_stats.h"
#include "core/training/trainer.h"

namespace berth::app {
namespace {

// What process 0's recorder does, the others leave to it.
class Follower final : public training::TrainingEvents {
 public:
  explicit Follower(report::RunFolder run) : run_(std::move(run)) {}

  void starting(const training::ParameterPlan&, std::int64_t) override {}
  void stepped(const training::StepEvent&) override {}
  void compared(const training::ComparisonEvent&) override {}
  void cached(const training::CacheEvent&) override {}
  void debiased(const training::DebiasEvent&) override {}
  void evaluated(const training::EvaluationEvent&) override {}
  void not_finite(const training::NotFiniteEvent&) override {}
  void checkpoint(const training::CheckpointEvent&) override {}
  void resumed(std::int64_t) override {}
  std::filesystem::path checkpoint_folder(std::int64_t step) const override { return run_.step_folder(step); }
  bool wants_stop() override { return app::wants_stop(); }

 private:
  report::RunFolder run_;
};

}  // namespace

void together(distributed::Group& group, const std::function<void()>& what) {
  if (group.is_alone()) {
    what();
    return;
  }
  std::vector<std::string> failure;  // kind and text
  std::exception_ptr own;
  try {
    what();
  } catch (const Error& error) {
    own = std::current_exception();
    failure = {std::to_string(static_cast<int>(error.kind())), error.what()};
  } catch (const std::exception& error) {
    own = std::current_exception();
    failure = {std::to_string(static_cast<int>(ErrorKind::kIo)), error.what()};
  }
  const auto all = group.gather(failure);
  const auto failed = std::find_if(all.begin(), all.end(), [](const auto& pieces) { return !pieces.empty(); });
  if (failed == all.end()) return;
  const int code = std::stoi(failed->at(0));
  if (!group.is_first()) throw ToldElsewhere{code};
  if (own) std::rethrow_exception(own);
  throw Error(static_cast<ErrorKind>(code), fmt::format("process {}: {}", failed - all.begin(), failed->at(1)));
}

void check_suite(int processes, const suite::Suite& suite) {
  if (processes == 1) return;
  training::check_for_processes(suite);
  const auto check = [](const suite::TaskConfig& task, const suite::DataSetConfig& set) {
    if (set.path != "-") return;
    throw Error(ErrorKind::kConfig, task.where,
                fmt::format("tasks.{}: several processes can't read one standard input; give a file", task.name));
  };
  for (const auto& task : suite.tasks) {
    if (task.train) check(task, *task.train);
    for (const auto& set : training::set_files(task)) check(task, set);
  }
}

distributed::GroupOptions group_options(const suite::DistributedConfig& config) {
  using Seconds = std::chrono::duration<double>;
  using Milliseconds = std::chrono::milliseconds;
  return {std::chrono::duration_cast<Milliseconds>(Seconds(config.start_timeout)),
          std::chrono::duration_cast<Milliseconds>(Seconds(config.timeout))};
}

void share_threads(const distributed::Place& place, const suite::Suite& suite) {
  const bool has_own = std::getenv("OMP_NUM_THREADS") != nullptr || platform::is_bound_to_processors();
  if (place.local_size == 1 || suite.training.threads > 0 || has_own) return;
  at::set_num_threads(std::max(1, at::get_num_threads() / place.local_size));
}

report::RunFolder shared_folder(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) return report::RunFolder::open(path);
  throw Error(ErrorKind::kIo, {path.string()},
              "is not to be seen here; the run folder has to lie on a file system that all machines share");
}

int follow(training::Session& session, distributed::Group& group, const report::RunFolder& folder,
           const std::optional<std::filesystem::path>& from) {
  Follower events(folder);
  training::Trainer trainer(session, events, group);
  report::Console console(stdout);
  try {
    trainer.train(from);
    if (trainer.result().ending == training::Ending::kInterrupted) return interrupted_code();
    evaluate_sets(session, folder, nullptr, group, console);
  } catch (const evaluation::Stopped&) {
    return interrupted_code();
  } catch (const training::SharedError&) {
    throw;
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("process {}: {}", group.rank(), error.what()));
  }
  return 0;
}

int end_together(distributed::Group& group, const std::function<int()>& what) {
  const auto wait = [&] {
    try {
      group.meet();
    } catch (const Error&) {  // it is all the same now
    }
  };
  try {
    const int code = what();
    wait();
    return code;
  } catch (const training::SharedError& error) {
    wait();
    if (group.is_first()) throw;
    throw ToldElsewhere{static_cast<int>(error.kind())};
  }
}

}  // namespace berth::app
