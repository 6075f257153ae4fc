#include "core/report/run_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/checkpoint/run_checkpoint.h"
#include "core/platform/process_stats.h"
#include "core/platform/whole_file.h"
#include "core/plugin/head_tensors.h"
#include "core/report/run_json.h"

namespace berth::report {
namespace {

// On a terminal the bar moves at every step; elsewhere a line every so many seconds is enough.
constexpr double kSecondsBetweenLines = 5;

// What a step's loss weighs in the mean of the last ones: they are some ten.
constexpr double kCourse = 0.1;

// "; worst group 'entailment, low': accuracy 0.4100", or nothing.
std::string worst_group_text(const evaluation::Evaluation& evaluation) {
  if (evaluation.groups.empty()) return "";
  const auto& group = evaluation.worst_group();
  const auto& score = evaluation::primary_of(evaluation.groups.at(group));
  return fmt::format("; worst group '{}': {} {:.4f}", group, score.name, score.value);
}

std::string_view best_text(const training::Selection::Verdict& verdict, const std::string& task) {
  const auto& best = verdict.best_tasks;
  const bool is_own_best = std::find(best.begin(), best.end(), task) != best.end();
  return is_own_best || (verdict.is_best && best.empty()) ? "  (best so far)" : "";
}

// Bytes up to the end of the last line that has one.
std::uintmax_t whole_lines(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::uintmax_t bytes = 0;
  std::uintmax_t whole = 0;
  for (std::string line; std::getline(in, line);) {
    bytes += line.size() + 1;
    if (!in.eof()) whole = bytes;
  }
  return whole;
}

std::string_view action_text(training::NotFiniteEvent::Action action) {
  static constexpr std::string_view kTexts[] = {"stopped", "skipped this step", "went back", "compared nothing",
                                                "saved nothing"};
  return kTexts[static_cast<int>(action)];
}

std::string primary_text(const evaluation::Evaluation& evaluation) {
  return fmt::format("{} {:.4f}", evaluation.primary().name, evaluation.primary().value);
}

}  // namespace

RunRecorder::RunRecorder(const RunFolder& folder, const training::Session& session, Console& console,
                         std::function<bool()> wants_stop)
    : folder_(folder), session_(session), console_(console), wants_stop_(std::move(wants_stop)) {
  open_metrics();
  if (session.suite.report.tensorboard) events_.emplace(folder.path() / kTensorboardFolder);
}

void RunRecorder::open_metrics() {
  metrics_.open(folder_.metrics_file(), std::ios::binary | std::ios::app);
  if (!metrics_) throw Error(ErrorKind::kIo, {folder_.metrics_file().string()}, "can't be written");
}

void RunRecorder::go_on_from(const std::filesystem::path& folder) {
  memory_ = read_memory(folder / checkpoint::kReportFile);
  const auto own_step = checkpoint::read_info(folder).step;
  // Those that come later will be written again. What is left of one that was being written has no step.
  for (const auto& entry : std::filesystem::directory_iterator(folder_.checkpoints())) {
    if (entry.path().extension() == ".partial") std::filesystem::remove_all(entry.path());
  }
  for (const auto& [step, other] : folder_.all_checkpoints()) {
    if (step <= own_step) {
      kept_.push_back(step);
    } else {
      std::filesystem::remove_all(other);
    }
  }
  point_links();
  metrics_.close();
  const auto file = folder_.metrics_file();
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  auto kept = memory_.metrics_bytes;
  if (!error && bytes < memory_.metrics_bytes) {
    console_.line(
        fmt::format("{} has {} bytes, but had {}: lines of it are lost", file.string(), bytes, memory_.metrics_bytes));
    kept = whole_lines(file);
  }
  if (events_ && !error) events_->restart(restart_of(file, kept, own_step));
  if (!error) std::filesystem::resize_file(file, kept, error);
  if (error) throw Error(ErrorKind::kIo, {file.string()}, "can't be cut: " + error.message());
  std::filesystem::remove(folder_.summary_file(), error);  // of the run as it was stopped; finish() writes it anew
  open_metrics();
  is_repeating_ = true;
}

void RunRecorder::resumed(std::int64_t step) {
  is_repeating_ = false;
  console_.line(fmt::format("going on after step {}", step));
}

void RunRecorder::write_metrics_line(const Json& line) {
  if (is_repeating_) return;
  const bool had_lost_lines = has_lost_lines_;
  has_lost_lines_ = true;  // until it stands in both files
  metrics_ << line.dump() << '\n' << std::flush;
  if (!metrics_) fail_metrics();
  if (events_) events_->add(line);
  has_lost_lines_ = had_lost_lines;
}

void RunRecorder::fail_metrics() const {
  throw Error(ErrorKind::kIo, {folder_.metrics_file().string()}, "can't be written; is the disk full?");
}

void RunRecorder::starting(const training::ParameterPlan& plan, std::int64_t total_steps) {
  console_.line(plan.describe());
  // A mean of products is no product of means: what is averaged has no adapters of its own.
  if (session_.suite.finetuning.average == 0) adapters_ = plan.adapters;
  Json json;
  json["kind"] = "plan";
  json["total_steps"] = total_steps;
  json["compute_share"] = plan.compute_share();
  for (const auto& p : plan.parameters) {
    json["parameters"].push_back({{"name", p.name},
                                  {"group", p.group},
                                  {"status", training::status_name(p.status)},
                                  {"rate", p.rate},
                                  {"weight_decay", p.weight_decay},
                                  {"numbers", p.tensor.numel()}});
  }
  write_metrics_line(json);
}

void RunRecorder::stepped(const training::StepEvent& event) {
  if (memory_.seconds_to_first_step == 0) {
    memory_.seconds_to_first_step = platform::seconds_since_process_start() - event.training_seconds;
  }
  for (const auto& part : event.tasks) {
    auto& interval = memory_.intervals[task_name(part.task)];
    interval.loss += part.loss;
    if (!part.is_counted) continue;
    auto& course =
        memory_.courses.try_emplace(task_name(part.task), RunMemory::Course{part.loss, part.loss}).first->second;
    course.last += kCourse * (part.loss - course.last);
    interval.weight = part.weight;
    ++interval.steps;
  }
  const bool is_last = event.step == event.total_steps;
  memory_.last = {event.step, event.epoch, event.rate, event.gradient_norm, event.training_seconds};
  if (event.step % session_.suite.training.log_every == 0 || is_last) log_interval();

  if (!console_.is_terminal() && !is_last && last_shown_ >= 0 &&
      event.training_seconds - last_shown_ < kSecondsBetweenLines) {
    return;
  }
  last_shown_ = event.training_seconds;
  const double per_step = event.training_seconds / static_cast<double>(event.step);
  console_.progress({static_cast<double>(event.step) / static_cast<double>(event.total_steps),
                     fmt::format("step {}/{}  {}  {:.1f} examples/s", event.step, event.total_steps, losses_text(event),
                                 static_cast<double>(event.total_examples) / event.training_seconds),
                     per_step * static_cast<double>(event.total_steps - event.step)});
}

const std::string& RunRecorder::task_name(std::size_t task) const { return session_.tasks[task].task.name(); }

// "sst2 loss 0.3012", or all of them: "sst2 loss 0.3012, ner loss 0.1220".
std::string RunRecorder::losses_text(const training::StepEvent& event) const {
  std::string text;
  for (const auto& part : event.tasks) {
    text += fmt::format("{}{} loss {:.4f}", text.empty() ? "" : ", ", task_name(part.task), part.loss);
  }
  return text;
}

void RunRecorder::compared(const training::ComparisonEvent& event) {
  Json json;
  json["kind"] = "cosines";
  json["step"] = event.step;
  for (std::size_t i = 0; i < event.cosines.size(); ++i) {
    for (std::size_t j = i + 1; j < event.cosines.size(); ++j) {
      const double cosine = event.cosines[i][j];
      json["between"].push_back({{"tasks", {task_name(i), task_name(j)}}, {"cosine", cosine}});
      if (!std::isfinite(cosine)) continue;
      auto& seen = memory_.cosines[{task_name(i), task_name(j)}];
      seen.sum += cosine;
      seen.least = std::min(seen.least, cosine);
      ++seen.count;
      if (cosine < 0) ++seen.negative;
    }
  }
  write_metrics_line(json);
}

void RunRecorder::not_finite(const training::NotFiniteEvent& event) {
  const auto action = action_text(event.action);
  ++memory_.not_finite[std::string(action)];
  if (event.action != training::NotFiniteEvent::Action::kStopped) {  // else the error says it
    console_.line(
        fmt::format("{}; {}{}", event.text, action, event.back_to ? fmt::format(" to step {}", *event.back_to) : ""));
  }
  Json json;
  json["kind"] = "not_finite";
  json["step"] = event.step;
  json["what"] = event.what;
  json["action"] = action;
  if (event.back_to) json["back_to"] = *event.back_to;
  json["examples"] = Json::array();
  for (const auto& place : event.examples) json["examples"].push_back({{"file", place.file}, {"line", place.line}});
  write_metrics_line(json);
}

void RunRecorder::cached(const training::CacheEvent& event) {
  console_.line(fmt::format("{}, {} set: embeddings and {} frozen layers computed once, {:.1f} s, {:.0f} MB",
                            task_name(event.task), event.set, event.layers, event.seconds,
                            static_cast<double>(event.bytes) / (1 << 20)));
  Json json;
  json["kind"] = "cache";
  json["task"] = task_name(event.task);
  json["set"] = event.set;
  json["layers"] = event.layers;
  json["bytes"] = event.bytes;
  json["seconds"] = event.seconds;
  write_metrics_line(json);
}

void RunRecorder::debiased(const training::DebiasEvent& event) {
  if (const auto& report = event.debiasing.report()) {
    console_.line(fmt::format(
        "{}: the biased model gets {:.1f}% of the training set right unseen (the most frequent class "
        "alone: {:.1f}%) and gives what is right a probability of {:.3f}; {:.1f} s",
        task_name(event.task), 100 * report->accuracy, 100 * report->majority, report->probability, event.seconds));
  }
  Json json;
  json["kind"] = "debias";
  json["task"] = task_name(event.task);
  json["debias"] = debiasing_json(event.debiasing);
  json["seconds"] = event.seconds;
  write_metrics_line(json);
}

void RunRecorder::log_interval() {
  const auto& event = memory_.last;
  for (const auto& [task, interval] : memory_.intervals) {
    Json json;
    json["kind"] = "train";
    json["step"] = event.step;
    json["epoch"] = event.epoch;
    json["task"] = task;
    json["loss"] = interval.loss / static_cast<double>(interval.steps);
    json["steps"] = interval.steps;
    json["weight"] = interval.weight;
    json["rate"] = event.rate;
    json["gradient_norm"] = event.gradient_norm;
    json["training_seconds"] = event.training_seconds;
    write_metrics_line(json);
  }
  memory_.intervals.clear();
}

void RunRecorder::evaluated(const training::EvaluationEvent& event) {
  for (const auto& [task, evaluation] : event.dev) {
    console_.line(fmt::format("step {}  {} dev: {}{}{}", event.step, task, primary_text(evaluation),
                              worst_group_text(evaluation),
                              event.step == 0 ? "  (before training)" : best_text(event.verdict, task)));
    Json json;
    json["kind"] = "evaluation";
    json["step"] = event.step;
    json["epoch"] = event.epoch;
    json["task"] = task;
    json["set"] = "dev";
    json["scores"] = scores_json(evaluation);
    if (!evaluation.groups.empty()) json["groups"] = groups_json(evaluation);
    json["examples"] = evaluation.examples;
    json["seconds"] = evaluation.seconds;
    write_metrics_line(json);
    if (event.step > 0) track(task, evaluation, event.step);
    if (event.step == 0) memory_.before[task] = evaluation.primary().value;
    if (event.ended_task && task_name(*event.ended_task) == task) {
      memory_.after_own_turn[task] = evaluation.primary().value;
    }
  }
}

void RunRecorder::track(const std::string& task, const evaluation::Evaluation& evaluation, std::int64_t step) {
  memory_.primary[task] = evaluation.primary();
  for (const auto& score : evaluation.scores) {
    auto [found, is_first] = memory_.dev[task].try_emplace(score.name);
    auto& tracked = found->second;
    tracked.final_value = score.value;
    Score best = score;
    best.value = tracked.best_value;
    if (is_first || evaluation::goodness(score) > evaluation::goodness(best)) {
      tracked.best_value = score.value;
      tracked.best_step = step;
    }
  }
}

checkpoint::AdapterContents RunRecorder::adapter() const {
  const auto& config = session_.suite.finetuning;
  Json json = {{"peft_type", "LORA"},   {"base_model_name_or_path", session_.suite.model.path.string()},
               {"r", config.lora_rank}, {"lora_alpha", config.lora_alpha},
               {"lora_dropout", 0.0},   {"bias", "none"},
               {"inference_mode", true}};
  checkpoint::AdapterContents contents;
  for (const auto& adapter : adapters_) {
    contents.tensors.push_back({adapter.weight + ".lora_A.weight", adapter.a});
    contents.tensors.push_back({adapter.weight + ".lora_B.weight", adapter.b});
    json["target_modules"].push_back(adapter.weight);
  }
  contents.config_json = json.dump(2);
  return contents;
}

void RunRecorder::checkpoint(const training::CheckpointEvent& event) {
  if (has_lost_lines_) fail_metrics();  // a run that goes on after a gap would not be the run that it was
  const auto step = event.step;
  Json info;
  info["step"] = step;
  info["training_seconds"] = event.training_seconds;
  info["berth"] = version();
  std::vector<checkpoint::HeadContents> heads;
  for (const auto& task : session_.tasks) {
    heads.push_back({task.task.name(), plugin::head_tensors(*task.head), task.task.save_state()});
    info["tasks"].push_back(task.task.name());
  }
  auto next = memory_;
  next.links["last"] = step;
  const bool is_for_going_back = event.is_due && session_.suite.training.not_finite == suite::NotFinite::kBack;
  if (is_for_going_back) next.links[RunFolder::kBackLink] = step;
  // An interrupted run without an evaluation has no better one either.
  const bool is_best = event.verdict.is_best || (memory_.best_step < 0 && step > 0);
  if (is_best) next.best_step = next.links["best"] = step;
  for (const auto& task : event.verdict.best_tasks) next.links[RunFolder::best_link(task)] = step;
  platform::sync(folder_.metrics_file());
  if (events_) events_->sync();
  next.metrics_bytes = std::filesystem::file_size(folder_.metrics_file());
  checkpoint::write_checkpoint(folder_.step_folder(step),
                               {session_.encoder, session_.suite.model.path, std::move(heads), adapter(),
                                event.state.tensors(), to_json(next), info.dump(2)});
  memory_ = std::move(next);
  point_links();
  if (std::find(kept_.begin(), kept_.end(), step) == kept_.end()) kept_.push_back(step);
  prune();
}

void RunRecorder::point_links() {
  for (const auto& [link, step] : memory_.links) {
    checkpoint::point_link(folder_.checkpoints() / link, folder_.step_folder(step).filename().string());
  }
}

// Keeps the newest ones, those that a link leads to, and the one from before the first step.
void RunRecorder::prune() {
  const auto is_linked = [&](std::int64_t step) {
    return std::any_of(memory_.links.begin(), memory_.links.end(),
                       [&](const auto& link) { return link.second == step; });
  };
  auto candidates =
      static_cast<std::int64_t>(std::count_if(kept_.begin(), kept_.end(), [](std::int64_t step) { return step > 0; }));
  for (auto step = kept_.begin(); step != kept_.end();) {
    if (*step == 0 || is_linked(*step) || candidates <= session_.suite.checkpoints.keep) {
      candidates -= *step > 0 ? 1 : 0;
      ++step;
      continue;
    }
    std::error_code failed;
    std::filesystem::remove_all(folder_.step_folder(*step), failed);
    if (failed) {
      console_.line(fmt::format("{} can't be removed ({}); training goes on", folder_.step_folder(*step).string(),
                                failed.message()));
    }
    --candidates;
    step = kept_.erase(step);
  }
}

void RunRecorder::final_set(const std::string& task, const std::string& set, const evaluation::Evaluation& evaluation) {
  console_.line(fmt::format("{} {}: {} ({} examples){}", task, set, primary_text(evaluation), evaluation.examples,
                            worst_group_text(evaluation)));
  Json json;
  json["kind"] = "final";
  json["step"] = best_step_of(memory_, task);
  json["task"] = task;
  json["set"] = set;
  json["scores"] = scores_json(evaluation);
  if (!evaluation.groups.empty()) json["groups"] = groups_json(evaluation);
  json["examples"] = evaluation.examples;
  json["seconds"] = evaluation.seconds;
  write_metrics_line(json);
  memory_.primary[task] = evaluation.primary();
  sets_[task].insert_or_assign(set, evaluation);
}

std::optional<std::int64_t> RunRecorder::saved_step() const {
  const auto last = memory_.links.find("last");
  return last == memory_.links.end() ? std::nullopt : std::optional(last->second);
}

void RunRecorder::finish(const training::TrainingResult& result) {
  log_interval();
  const RunOutcome outcome{session_, result, memory_, sets_, trainer_};
  platform::write_text(folder_.summary_file(), summary_json(outcome));
  for (const auto& line : summary_lines(outcome)) console_.line(line);
}

}  // namespace berth::report
