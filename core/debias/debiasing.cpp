#include "core/debias/debiasing.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <utility>

#include "core/debias/losses.h"
#include "core/device/device.h"

namespace berth::debias {
namespace {

Loss values_of(Head& head, const LossInput& input) {
  auto loss = head.loss(input.outputs, input.encoded.batch(), LossDetail::kValues);
  if (loss.values.defined() && loss.sequences.defined() && loss.values.numel() == loss.sequences.numel()) return loss;
  throw Error(ErrorKind::kPlugin,
              "debiasing needs the loss of each label; the head's loss() gives no `values` and "
              "`sequences`, one each a counted label, for LossDetail::kValues");
}

}  // namespace

Debiasing::Debiasing(DebiasParts parts) : parts_(std::move(parts)) {
  const auto& config = parts_.config;
  if (config.method == suite::DebiasMethod::kGroupDro) {
    dro_.emplace(parts_.groups.sizes(), config.step_size, config.adjustment);
  }
  commit();
}

std::optional<double> Debiasing::mean_gate() const {
  return gate_count_ > 0 ? std::optional(gate_sum_ / static_cast<double>(gate_count_)) : std::nullopt;
}

Debiasing::Progress Debiasing::now() const {
  return {dro_ ? dro_->weights() : std::vector<double>(), gate_sum_, gate_count_};
}

void Debiasing::undo() {
  if (dro_) dro_->set_weights(learned_.group_weights);
  gate_sum_ = learned_.gate_sum;
  gate_count_ = learned_.gate_count;
}

void Debiasing::save(training::TrainingState& state, const std::string& name) const {
  state.put("groups/" + name, learned_.group_weights);
  state.put("gate/" + name, std::vector<double>{learned_.gate_sum, static_cast<double>(learned_.gate_count)});
}

void Debiasing::load(const training::TrainingState& state, const std::string& name) {
  if (dro_) dro_->set_weights(state.reals("groups/" + name, dro_->weights().size()));
  const auto gate = state.reals("gate/" + name, 2);
  gate_sum_ = gate[0];
  gate_count_ = static_cast<std::int64_t>(gate[1]);
  commit();
}

at::Tensor Debiasing::rows(const at::Tensor& of_features, const LossInput& input) const {
  const at::Tensor own = of_features.index_select(0, at::tensor(input.features, at::kLong));
  return device::copy_to(own, input.encoded.first().device());
}

Loss Debiasing::loss(Head& head, const LossInput& input) {
  switch (parts_.config.method) {
    case suite::DebiasMethod::kReweighting:
      return weighted(head, input);
    case suite::DebiasMethod::kGroupDro:
      return by_groups(head, input);
    default:
      return over_classes(head, input);
  }
}

// The count stays that of plain training: the weights are 1 on average over the training set.
Loss Debiasing::weighted(Head& head, const LossInput& input) {
  auto loss = values_of(head, input);
  const at::Tensor weights = rows(parts_.weights, input).index_select(0, loss.sequences);
  loss.sum = (loss.values * weights.to(loss.values.scalar_type())).sum();
  return loss;
}

Loss Debiasing::by_groups(Head& head, const LossInput& input) {
  auto loss = values_of(head, input);
  const bool moves = std::exchange(may_move_, false);
  if (loss.values.numel() == 0) return loss;
  std::vector<std::int64_t> groups;
  for (const auto feature : input.features) groups.push_back(parts_.groups.of[static_cast<std::size_t>(feature)]);
  const at::Tensor of_values =
      device::copy_to(at::tensor(groups, at::kLong), loss.sequences.device()).index_select(0, loss.sequences);
  if (moves) dro_->move(loss.values, of_values);
  loss.sum = (loss.values * dro_->factors(loss.values, of_values)).sum();
  return loss;
}

Loss Debiasing::over_classes(Head& head, const LossInput& input) {
  const auto& batch = input.encoded.batch();
  const at::Tensor log_p = head.log_probabilities(input.outputs, batch);
  const at::Tensor targets = head.targets(batch);
  const at::Tensor table = rows(parts_.table, input).to(log_p.scalar_type());
  if (log_p.sizes() != table.sizes() || targets.numel() != table.size(0)) {
    throw Error(ErrorKind::kPlugin,
                fmt::format("log_probabilities() and targets() give {} and {} rows for {} sequences", log_p.size(0),
                            targets.numel(), table.size(0)));
  }
  Loss loss;
  loss.count = static_cast<double>(batch.size());
  switch (parts_.config.method) {
    case suite::DebiasMethod::kConfidenceRegularization:
      loss.values = soft_cross_entropy(log_p, table);
      break;
    case suite::DebiasMethod::kLearnedMixin: {
      const bool is_pooled = head.input() == HeadInput::kPooled;
      const at::Tensor gate = (*parts_.gate)(is_pooled ? input.encoded.pooled() : input.encoded.first());
      gate_sum_ += gate.detach().sum().item<double>();
      gate_count_ += gate.numel();
      loss.values = learned_mixin({log_p, table, targets, gate, parts_.config.entropy});
      break;
    }
    default:
      loss.values = product_of_experts(log_p, table, targets);
  }
  loss.sum = loss.values.sum();
  return loss;
}

}  // namespace berth::debias
