// The loss of a task that is kept from learning a bias, in place of its head's own. The biased model's answers on the
// training set are known before the first step (prepare.h); each method is a few lines over them (losses.h). Evaluation
// knows nothing of it: the debiased model predicts alone. Called by the trainer at every micro-batch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "berth/head.h"
#include "core/debias/gate.h"
#include "core/debias/group_dro.h"
#include "core/debias/groups.h"
#include "core/suite/suite.h"
#include "core/training/training_state.h"

namespace berth::debias {

// What the biased model said of the training set, each feature by a model that had not seen it.
struct BiasReport {
  double accuracy = 0;     // share that it gets right
  double probability = 0;  // that it gives what is right, on average
  double majority = 0;     // share of the most frequent class: what a model of nothing gets right
  std::int64_t features = 0;
};

struct DebiasParts {
  suite::DebiasConfig config;
  std::string owner;              // for messages
  at::Tensor table = {};          // [features, classes]: log-probabilities of the bias, or confidence_regularization's
                                  // targets
  at::Tensor weights = {};        // [features]: of kReweighting
  std::optional<Gate> gate = {};  // of kLearnedMixin
  Groups groups = {};             // of kGroupDro
  std::optional<BiasReport> report = {};  // where there is a biased model
};

// One micro-batch. features: its sequences, as places in the training set.
struct LossInput {
  const Encoded& encoded;
  const Outputs& outputs;
  const std::vector<std::int64_t>& features;
};

class Debiasing {
 public:
  explicit Debiasing(DebiasParts parts);

  // The next loss() is that of a step: group DRO's weights move by it. Later ones of the same micro-batch (adversarial
  // or second passes) leave them where they are.
  void begin_micro_batch() { may_move_ = true; }

  Loss loss(Head& head, const LossInput& input);

  const suite::DebiasConfig& config() const { return parts_.config; }
  const std::optional<BiasReport>& report() const { return parts_.report; }
  const Groups& groups() const { return parts_.groups; }
  // Weight of each group, of kGroupDro.
  const GroupDro* dro() const { return dro_ ? &*dro_ : nullptr; }
  // What was learned so far is part of a step that has been made, and no longer one that may fail.
  void commit() { learned_ = now(); }
  // It failed: back to what commit() knew.
  void undo();

  // Group DRO's weights and the mean of the gate, as of commit(). name: of the task.
  void save(training::TrainingState& state, const std::string& name) const;
  void load(const training::TrainingState& state, const std::string& name);

  // Of the learned mixin, over all losses so far; nothing for other methods.
  std::optional<double> mean_gate() const;

 private:
  struct Progress {
    std::vector<double> group_weights;
    double gate_sum = 0;
    std::int64_t gate_count = 0;
  };

  Progress now() const;
  Loss weighted(Head& head, const LossInput& input);
  Loss by_groups(Head& head, const LossInput& input);
  Loss over_classes(Head& head, const LossInput& input);
  at::Tensor rows(const at::Tensor& of_features, const LossInput& input) const;

  DebiasParts parts_;
  std::optional<GroupDro> dro_;
  bool may_move_ = false;
  double gate_sum_ = 0;
  std::int64_t gate_count_ = 0;
  Progress learned_;
};

}  // namespace berth::debias
