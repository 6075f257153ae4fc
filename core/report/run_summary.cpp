#include "core/report/run_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "core/evaluation/majority.h"
#include "core/platform/process_stats.h"
#include "core/report/console.h"
#include "core/report/documentation.h"
#include "core/report/run_folder.h"
#include "core/report/run_json.h"

namespace berth::report {
namespace {

// A loss that ends this many times higher than it began has diverged. Noise does less: what it ends at is a mean.
constexpr double kDiverged = 3;

std::string_view ending_name(training::Ending ending) {
  static constexpr std::string_view kNames[] = {"completed", "stopped early", "interrupted", "failed"};
  return kNames[static_cast<int>(ending)];
}

// The type of the encoder's matrix products, as suites name it.
std::string_view products_name(const model::EncoderOptions& options) {
  if (options.products == model::Products::kBFloat16) return "bfloat16";
  return options.dtype == at::kDouble ? "float64" : "float32";
}

template <typename Value>
const Value* find(const std::map<std::string, Value>& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? nullptr : &found->second;
}

double per_second(std::int64_t count, const training::TrainingResult& result) {
  return static_cast<double>(count) / std::max(result.training_seconds, 1e-9);
}

// One task of the run.
class TaskOutcome {
 public:
  TaskOutcome(const RunOutcome& outcome, std::size_t place)
      : outcome_(outcome), task_(outcome.session.tasks[place]), name_(task_.task.name()), place_(place) {
    primary_ = find(outcome.memory.primary, name_);
    before_ = find(outcome.memory.before, name_);
    after_own_turn_ = find(outcome.memory.after_own_turn, name_);
    if (const auto* dev = task_.dev(); dev != nullptr && primary_ != nullptr) {
      majority_ = evaluation::majority_accuracy(task_.task, *dev, *primary_);
    }
  }

  Json json() const {
    Json entry;
    entry["plugin"] = task_.task.config().plugin;
    entry["primary"] = primary_ == nullptr ? Json(nullptr) : Json(primary_->name);
    if (is_lower_better()) entry["lower_is_better"] = true;
    const bool is_streamed = task_.task.config().stream;
    entry["train_examples"] = is_streamed ? Json(nullptr) : Json(task_.train->example_count);
    if (task_.cache && task_.cache->how != data::CacheUse::How::kNone) {
      const bool is_found = task_.cache->how == data::CacheUse::How::kFound;
      entry["feature_cache"] = {{"found", is_found}, {"bytes", task_.cache->bytes}};
    }
    if (before_ != nullptr) entry["before"] = *before_;
    if (majority_) entry["majority"] = *majority_;
    const auto best = best_step_of(outcome_.memory, name_);
    entry["checkpoint_step"] = best < 0 ? Json(nullptr) : Json(best);
    if (const auto* dev = find(outcome_.memory.dev, name_)) {
      for (const auto& [score, tracked] : *dev) {
        entry["dev"][score] = {
            {"final", tracked.final_value}, {"best", tracked.best_value}, {"best_step", tracked.best_step}};
      }
    }
    if (const auto text = failure(); !text.empty()) entry["failure"] = text;
    if (const auto* course = diverged()) {
      entry["diverged"] = {{"first_loss", course->first}, {"last_loss", course->last}};
    }
    add_sets(entry);
    if (const auto* debiasing = this->debiasing()) entry["debias"] = debiasing_json(*debiasing);
    if (after_own_turn_ != nullptr) {
      entry["after_own_turn"] = *after_own_turn_;
      entry["forgotten"] = is_lower_better() ? final_dev() - *after_own_turn_ : *after_own_turn_ - final_dev();
    }
    return entry;
  }

  void describe_interplay(std::vector<std::string>& lines) const {
    if (after_own_turn_ == nullptr) return;
    lines.push_back(fmt::format("{}: {} {:.4f} after its own turn, {:.4f} at the end", name_, primary_->name,
                                *after_own_turn_, final_dev()));
  }

  void describe_debiasing(std::vector<std::string>& lines) const {
    const auto* debiasing = this->debiasing();
    if (debiasing == nullptr) return;
    if (const auto gate = debiasing->mean_gate()) {
      lines.push_back(fmt::format("{}: the mixin's gate is {:.3f} on average over training", name_, *gate));
    }
    if (const auto* dro = debiasing->dro()) {
      for (std::size_t g = 0; g < dro->weights().size(); ++g) {
        lines.push_back(fmt::format("{}: group '{}' ends with weight {:.3f}", name_, debiasing->groups().names[g],
                                    dro->weights()[g]));
      }
    }
  }

  void describe_failure(std::vector<std::string>& lines) const {
    const auto* course = diverged();
    if (course != nullptr) {
      lines.push_back(
          fmt::format("{}: diverged: its loss began at {:.4f} and ended at {:.4f}; lower the rate "
                      "(optimizer.rate) or lengthen the warm-up (schedule.warmup); {}",
                      name_, course->first, course->last, see(kLowScorePage)));
    }
    if (const auto text = failure(); !text.empty()) {
      const auto advice = course == nullptr
                              ? fmt::format("; try another rate or seed, and more steps; {}", see(kLowScorePage))
                              : std::string();
      lines.push_back(fmt::format("{}: learned nothing: {} {:.4f} on dev, {}{}", name_, dev_score()->name,
                                  dev_score()->value, text, advice));
    }
  }

 private:
  bool is_lower_better() const { return primary_ != nullptr && primary_->direction == Direction::kLowerIsBetter; }

  const debias::Debiasing* debiasing() const {
    return outcome_.trainer == nullptr ? nullptr : outcome_.trainer->debiasing(place_);
  }

  double final_dev() const { return outcome_.memory.dev.at(name_).at(primary_->name).final_value; }

  // By the best checkpoint; null where it was not asked.
  const Score* dev_score() const {
    const auto* sets = find(outcome_.sets, name_);
    const auto* dev = sets == nullptr ? nullptr : find(*sets, "dev");
    return dev == nullptr ? nullptr : &dev->primary();
  }

  // "" for none.
  std::string failure() const {
    if (dev_score() == nullptr) return "";
    const auto& score = *dev_score();
    if (!std::isfinite(score.value)) return "not a number";
    const auto is_no_better = [&](double than) {
      return is_lower_better() ? score.value >= than : score.value <= than;
    };
    if (score.value == 0 && !is_lower_better()) return "nothing is right";
    if (majority_ && is_no_better(*majority_)) return fmt::format("no better than the majority ({:.4f})", *majority_);
    if (before_ != nullptr && is_no_better(*before_)) {
      return fmt::format("no better than before training ({:.4f})", *before_);
    }
    return "";
  }

  // Null where it has not.
  const RunMemory::Course* diverged() const {
    const auto* course = find(outcome_.memory.courses, name_);
    return course != nullptr && course->first > 0 && course->last > kDiverged * course->first ? course : nullptr;
  }

  // Of the best checkpoint.
  void add_sets(Json& entry) const {
    const auto* sets = find(outcome_.sets, name_);
    if (sets == nullptr) return;
    for (const auto& [set, evaluation] : *sets) add_set(entry, set, evaluation);
  }

  const RunOutcome& outcome_;
  const training::TaskSession& task_;
  const std::string& name_;
  std::size_t place_;
  const Score* primary_ = nullptr;
  const double* before_ = nullptr;  // the primary score before the first step
  const double* after_own_turn_ = nullptr;
  std::optional<double> majority_;
};

std::vector<TaskOutcome> tasks_of(const RunOutcome& outcome) {
  std::vector<TaskOutcome> tasks;
  tasks.reserve(outcome.session.tasks.size());
  for (std::size_t task = 0; task < outcome.session.tasks.size(); ++task) tasks.emplace_back(outcome, task);
  return tasks;
}

}  // namespace

std::int64_t best_step_of(const RunMemory& memory, const std::string& task) {
  const auto* own = find(memory.links, RunFolder::best_link(task));
  return own == nullptr ? memory.best_step : *own;
}

std::string summary_json(const RunOutcome& outcome) {
  const auto& [session, result, memory, sets, trainer] = outcome;
  Json json;
  json["berth"] = version();
  json["suite"] = session.suite.name;
  json["ending"] = ending_name(result.ending);
  json["steps"] = result.steps;
  json["total_steps"] = result.total_steps;
  json["best_step"] = memory.best_step < 0 ? Json(nullptr) : Json(memory.best_step);
  if (result.processes > 1) json["processes"] = result.processes;
  json["training_seconds"] = result.training_seconds;
  json["examples_per_second"] = per_second(result.examples, result);
  json["tokens_per_second"] = per_second(result.tokens, result);
  json["seconds_to_first_step"] = memory.seconds_to_first_step;
  json["peak_resident_bytes"] = platform::peak_resident_bytes();
  json["products"] = products_name(session.encoder.options());
  json["device"] = session.encoder.device().str();
  json["parameters"] = result.total_numbers;
  json["trained_parameters"] = result.trained_numbers;
  json["trained_share"] = result.trained_share;
  json["seed"] = session.suite.training.seed;
  if (!memory.not_finite.empty()) json["not_finite"] = memory.not_finite;
  const auto tasks = tasks_of(outcome);
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    json["tasks"][session.tasks[task].task.name()] = tasks[task].json();
  }
  for (const auto& [pair, cosine] : memory.cosines) {
    json["gradient_cosines"].push_back(
        {{"tasks", {pair.first, pair.second}},
         {"mean", cosine.sum / static_cast<double>(cosine.count)},
         {"least", cosine.least},
         {"share_negative", static_cast<double>(cosine.negative) / static_cast<double>(cosine.count)},
         {"measured", cosine.count}});
  }
  return json.dump(2) + "\n";
}

std::vector<std::string> summary_lines(const RunOutcome& outcome) {
  std::vector<std::string> lines;
  for (const auto& [pair, cosine] : outcome.memory.cosines) {
    lines.push_back(
        fmt::format("gradients of {} and {}: cosine {:+.3f} on average, {:+.3f} at least; against each other in "
                    "{} of {} measurements",
                    pair.first, pair.second, cosine.sum / static_cast<double>(cosine.count), cosine.least,
                    cosine.negative, cosine.count));
  }
  const auto tasks = tasks_of(outcome);
  for (const auto& task : tasks) task.describe_interplay(lines);
  for (const auto& task : tasks) task.describe_debiasing(lines);
  for (const auto& task : tasks) task.describe_failure(lines);
  for (const auto& [action, times] : outcome.memory.not_finite) {
    lines.push_back(fmt::format("not finite: {} {} time{}; `metrics.jsonl` has the examples (kind \"not_finite\")",
                                action, times, times == 1 ? "" : "s"));
  }
  const auto& result = outcome.result;
  lines.push_back(
      fmt::format("{}: {} steps in {}, {:.1f} examples/s, {:.0f} tokens/s, first step after {:.2f} s, peak "
                  "memory {:.0f} MB",
                  ending_name(result.ending), result.steps, format_duration(result.training_seconds),
                  per_second(result.examples, result), per_second(result.tokens, result),
                  outcome.memory.seconds_to_first_step, static_cast<double>(platform::peak_resident_bytes()) / 1e6));
  return lines;
}

}  // namespace berth::report
