// How the Trainers of several processes make the same steps.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "core/checkpoint/crc32.h"
#include "core/training/trainer.h"

namespace berth::training {
namespace {

// What of a suite makes the steps: not where this machine has its files, nor how fast it is.
std::string essence(suite::Suite suite) {
  suite.model.path.clear();
  suite.model.device.clear();
  suite.training.threads = 0;
  suite.training.feature_cache.clear();
  suite.distributed = {};
  for (auto& task : suite.tasks) {
    if (task.train) task.train->path.clear();
    if (task.dev) task.dev->path.clear();
    for (auto& set : task.sets) set.path.clear();
  }
  return to_toml(suite);
}

std::uint32_t checksum(const at::Tensor& tensor) {
  const at::Tensor bytes = tensor.detach().cpu().contiguous();
  return checkpoint::crc32({static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()});
}

}  // namespace

// What looks at more of a batch than an example would see its own part alone.
void check_for_processes(const suite::Suite& suite) {
  const auto& finetuning = suite.finetuning;
  if (finetuning.adversarial > 0 || finetuning.smart > 0) {
    const bool is_smart = finetuning.smart > 0;
    throw Error(ErrorKind::kConfig, is_smart ? finetuning.smart_where : finetuning.adversarial_where,
                fmt::format("[finetuning]: '{}' trains in one process alone; take it away, or --processes",
                            is_smart ? "smart" : "adversarial"));
  }
  for (const auto& task : suite.tasks) {
    const auto method = task.debias.method;
    if (method != suite::DebiasMethod::kGroupDro && method != suite::DebiasMethod::kLearnedMixin) continue;
    throw Error(ErrorKind::kConfig, task.debias.method_where,
                fmt::format("[tasks.{}.debias]: group_dro and learned_mixin train in one process alone; take "
                            "--processes away, or take another method",
                            task.name));
  }
}

// Each process has read the files of its own machine.
void Trainer::check_processes() {
  if (group_.is_alone()) return;
  static constexpr const char* kWhat[] = {"settings", "training sets", "evaluation sets", "weights to begin with"};
  std::vector<std::string> own = {essence(session_.suite), fmt::format("{}", fmt::join(data_, " ")), "", ""};
  for (const auto& task : session_.tasks) {
    for (const auto& set : task.sets) own[2] += fmt::format("{} ", set.store.fingerprint());
  }
  for (const auto& parameter : plan_.parameters) own[3] += fmt::format("{} ", checksum(parameter.tensor));
  const auto all = group_.gather(own);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    for (std::size_t i = 0; i < own.size(); ++i) {
      if (all[rank].at(i) == all[0].at(i)) continue;
      throw SharedError(ErrorKind::kConfig,
                        fmt::format("process {} has other {} than process 0; all need the same suite, data files, "
                                    "model folder and berth",
                                    rank, kWhat[i]));
    }
  }
}

// The numbers of a task's part of a step become those of all processes. From here on its gradients are sent, unless a
// loss is no number.
void Trainer::join(std::size_t task, Part& part) {
  part.is_joined = true;
  if (group_.is_alone()) return;
  std::vector<double> numbers = {part.sum, part.count, static_cast<double>(part.examples),
                                 static_cast<double>(part.tokens), events_.wants_stop() ? 1.0 : 0.0};
  const auto first_place = numbers.size();  // of what was not finite, counted from 1, by process
  numbers.resize(first_place + static_cast<std::size_t>(group_.size()), 0);
  auto& own_place = numbers[first_place + static_cast<std::size_t>(group_.rank())];
  if (part.not_finite) own_place = 1 + static_cast<double>(*part.not_finite);
  group_.sum(numbers);
  part.sum = numbers[0];
  part.count = numbers[1];
  part.examples = static_cast<std::int64_t>(numbers[2]);
  part.tokens = static_cast<std::int64_t>(numbers[3]);
  is_stop_agreed_ = is_stop_agreed_ || numbers[4] > 0;
  for (auto place = first_place; place < numbers.size(); ++place) {
    if (numbers[place] == 0) continue;
    const auto m = static_cast<std::size_t>(numbers[place]) - 1;
    part.not_finite = part.not_finite ? std::min(*part.not_finite, m) : m;
  }
  // These change gradients after backward, or go backward more than once.
  const bool is_early = !lora_ && !mixout_ && session_.suite.finetuning.adversarial == 0;
  if (is_early && !part.not_finite) gradient_sum_.begin(task);
}

// Processes stop together, after the step in which one of them was asked to.
bool Trainer::wants_stop() { return group_.is_alone() ? events_.wants_stop() : is_stop_agreed_; }

}  // namespace berth::training
