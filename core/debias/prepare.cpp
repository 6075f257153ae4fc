#include "core/debias/prepare.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <fmt/format.h>

#include "core/data/encoded_batch.h"
#include "core/debias/bias_design.h"
#include "core/debias/biased_model.h"
#include "core/debias/losses.h"
#include "core/plugin/guard.h"
#include "core/training/random.h"

namespace berth::debias {
namespace {

using suite::DebiasMethod;
using training::Session;
using training::TaskSession;

constexpr std::int64_t kChunk = 256;
constexpr std::int64_t kProbe = 16;

[[noreturn]] void refuse(const TaskSession& task, const std::string& why) {
  const auto& config = task.task.config();
  throw Error(ErrorKind::kConfig, config.debias.method_where, fmt::format("[tasks.{}.debias]: {}", config.name, why));
}

// What a method over classes replaces must be plain cross-entropy: class weights and the like would be lost unseen.
void check_plain(const TaskSession& task, const Loss& loss, const at::Tensor& log_p, const at::Tensor& targets) {
  if (task.task.config().debias.method == DebiasMethod::kReweighting) return;
  const at::Tensor expected = log_p.gather(1, targets.unsqueeze(1)).squeeze(1).neg();
  if (loss.count == static_cast<double>(targets.numel()) && at::allclose(loss.values, expected, 1e-4, 1e-5)) return;
  refuse(
      task,
      "the method puts another loss in place of cross-entropy, but the head's is weighted, smoothed or otherwise not "
      "plain; take class weights, label smoothing or a focal loss away, or set method = \"reweighting\"");
}

// What the head says of a few features; enough to see what it can say.
struct Probe {
  std::int64_t sequences = 0;
  at::Tensor log_p;
  at::Tensor targets;
  Loss loss;
};

Probe probe(const Session& session, const TaskSession& task) {
  const at::NoGradGuard no_grad;
  const auto batch = task.train->store.pack_from(0, kProbe);
  model::EncoderRun run;
  run.input = task.task.input(*task.head);
  const data::EncodedBatch encoded(*batch, session.encoder.forward(data::encoder_input(*batch), run));
  task.head->eval();
  return plugin::guarded(task.task.site("forward and loss"), [&] {
    const auto outputs = task.head->forward(encoded);
    return Probe{batch->size(), task.head->log_probabilities(outputs, *batch), task.head->targets(*batch),
                 task.head->loss(outputs, *batch, LossDetail::kValues)};
  });
}

// How many classes the head tells apart.
std::int64_t classes_of(const Session& session, const TaskSession& task) {
  const auto found = probe(session, task);
  if (!found.log_p.defined() || !found.targets.defined()) {
    refuse(task,
           "a biased model needs class probabilities, and this task's head has none (Head::log_probabilities and "
           "targets); set method = \"group_dro\" or \"balanced\", or none");
  }
  const bool is_one_each = found.log_p.size(0) == found.sequences && found.targets.numel() == found.sequences &&
                           found.loss.sequences.defined() &&
                           at::equal(found.loss.sequences.cpu(), at::arange(found.sequences, at::kLong));
  if (!is_one_each) {
    refuse(task, fmt::format("a biased model says one thing about a text, but this task counts {} labels in {} texts; "
                             "set method = \"group_dro\" or \"balanced\", or none",
                             found.targets.numel(), found.sequences));
  }
  check_plain(task, found.loss, found.log_p, found.targets);
  return found.log_p.size(1);
}

// [features] int64
at::Tensor targets_of(const TaskSession& task, std::int64_t classes) {
  std::vector<at::Tensor> parts;
  const auto& store = task.train->store;
  for (std::int64_t from = 0; from < store.size(); from += kChunk) {
    const auto batch = store.pack_from(from, kChunk);
    parts.push_back(plugin::guarded(task.task.site("targets"), [&] { return task.head->targets(*batch); }));
    if (parts.back().numel() == batch->size()) continue;
    refuse(task, fmt::format("a biased model needs a label of each of the {} training sequences, but some of them have "
                             "none or several",
                             store.size()));
  }
  at::Tensor targets = at::cat(parts).cpu();
  if (targets.min().item<std::int64_t>() < 0 || targets.max().item<std::int64_t>() >= classes) {
    throw Error(ErrorKind::kPlugin, fmt::format("{}, targets: a class below 0 or above {}, the last one that "
                                                "log_probabilities() has",
                                                task.task.owner(), classes - 1));
  }
  return targets;
}

DesignOptions design_options(const Session& session, const TaskSession& task) {
  const auto& tokenizer = *session.tokenizer;
  return {task.task.config().debias.bias,
          {tokenizer.cls_id(), tokenizer.sep_id(), tokenizer.pad_id()},
          session.encoder.word_embeddings().detach().cpu()};
}

at::Tensor log_bias_of(const Session& session, const TaskSession& task, const at::Tensor& targets,
                       std::int64_t classes) {
  const auto seed =
      training::stream_seed(session.suite.training.seed, "biased model", {training::hash_name(task.task.name())});
  return out_of_fold_log_probabilities(bias_design(task.train->store, design_options(session, task)), targets,
                                       {classes, task.task.config().debias.folds, seed});
}

BiasReport report_of(const at::Tensor& log_b, const at::Tensor& targets) {
  const auto features = targets.size(0);
  return {log_b.argmax(1).eq(targets).to(at::kDouble).mean().item<double>(),
          log_b.gather(1, targets.unsqueeze(1)).exp().mean().item<double>(),
          static_cast<double>(at::bincount(targets).max().item<std::int64_t>()) / static_cast<double>(features),
          features};
}

}  // namespace

void check(const Session& session, const TaskSession& task) {
  if (!task.task.config().debias.has_bias()) return;
  classes_of(session, task);
  try {
    check_texts(task.train->store, design_options(session, task));
  } catch (const Error& error) {
    refuse(task, error.what());
  }
}

std::unique_ptr<Debiasing> prepare(const Session& session, const TaskSession& task) {
  const auto& config = task.task.config().debias;
  if (config.method == DebiasMethod::kNone || config.method == DebiasMethod::kBalanced) return nullptr;
  DebiasParts parts{config, task.task.owner()};
  if (config.has_bias()) {
    const auto classes = classes_of(session, task);
    const at::Tensor targets = targets_of(task, classes);
    parts.table = log_bias_of(session, task, targets, classes);
    parts.report = report_of(parts.table, targets);
    parts.weights = bias_weights(parts.table, targets);
    parts.gate = task.gate;
    if (config.method == DebiasMethod::kConfidenceRegularization) {
      if (!task.teacher.defined() || task.teacher.sizes() != parts.table.sizes())
        refuse(task, "the teacher tells other classes apart");
      parts.table = confidence_targets(task.teacher, parts.table, targets);
    }
  } else {
    parts.groups = task.groups;
  }
  return std::make_unique<Debiasing>(std::move(parts));
}

}  // namespace berth::debias
