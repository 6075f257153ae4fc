#include "berth/kit/losses.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/expm1.h>
#include <ATen/ops/mse_loss.h>

#include <optional>
#include <string>

#include "berth/error.h"

namespace berth::kit {
namespace {

std::string shape_of(const at::Tensor& tensor) {
  std::string text = "[";
  for (const std::int64_t size : tensor.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

[[noreturn]] void wrong_shapes(const char* loss, const at::Tensor& outputs, const at::Tensor& targets) {
  throw Error(ErrorKind::kPlugin, std::string(loss) + ": outputs " + shape_of(outputs) + " and targets " +
                                      shape_of(targets) +
                                      " don't fit together; expected one target a row (cross_entropy) or a value");
}

std::optional<at::Tensor> optional_tensor(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

std::int64_t reduction_of(LossDetail detail) {
  return detail == LossDetail::kValues ? at::Reduction::None : at::Reduction::Sum;
}

// One sequence number a value, where each sequence has `per_sequence` values in a row.
at::Tensor sequence_numbers(const at::Tensor& like, std::int64_t sequences, std::int64_t per_sequence) {
  return at::arange(sequences, like.options().dtype(at::kLong)).repeat_interleave(per_sequence);
}

// negative_log: -log(p) of what is true. Returns (1 - p)^gamma * -log(p).
at::Tensor focused(const at::Tensor& negative_log, double gamma) {
  // expm1 keeps the digits of 1 - p where p is near 1. The floor is for a p of exactly 1, where the power's own
  // gradient is infinite for a gamma below 1, and times the gradient of the floor, which is 0, would be NaN.
  constexpr double kFloor = 1e-30;
  return negative_log * at::expm1(-negative_log).neg().clamp_min(kFloor).pow(gamma);
}

at::Tensor focal_cross_entropy(const at::Tensor& logits, const at::Tensor& targets, LossDetail detail,
                               const CrossEntropyOptions& options) {
  if (options.smoothing != 0) {
    throw Error(ErrorKind::kPlugin, "cross_entropy: focal_gamma and smoothing can't be combined; leave one at 0");
  }
  const at::Tensor negative_log =
      at::cross_entropy_loss(logits, targets, std::nullopt, at::Reduction::None, options.ignore_index);
  at::Tensor losses = focused(negative_log, options.focal_gamma);
  if (options.weights.defined()) {
    // Where the target is ignored, the loss is 0, whatever the weight.
    const at::Tensor classes = targets.masked_fill(targets.eq(options.ignore_index), 0);
    losses = losses * options.weights.index_select(0, classes);
  }
  return detail == LossDetail::kValues ? losses : losses.sum();
}

at::Tensor focal_binary_cross_entropy(const at::Tensor& logits, const at::Tensor& targets, LossDetail detail,
                                      const at::Tensor& positive_weights, double gamma) {
  const at::Tensor negative_log =
      at::binary_cross_entropy_with_logits(logits, targets, std::nullopt, std::nullopt, at::Reduction::None);
  at::Tensor losses = focused(negative_log, gamma);
  if (positive_weights.defined()) losses = losses * (1 + targets * (positive_weights - 1));
  return detail == LossDetail::kValues ? losses : losses.sum();
}

// For losses that count every value.
Loss from_reduced(const at::Tensor& reduced, LossDetail detail, std::int64_t sequences, std::int64_t per_sequence) {
  Loss loss;
  loss.count = static_cast<double>(sequences * per_sequence);
  if (detail == LossDetail::kSum) {
    loss.sum = reduced;
    return loss;
  }
  loss.values = reduced.reshape({-1});
  loss.sum = loss.values.sum();
  loss.sequences = sequence_numbers(reduced, sequences, per_sequence);
  return loss;
}

}  // namespace

Loss cross_entropy(const at::Tensor& logits, const at::Tensor& targets, LossDetail detail,
                   const CrossEntropyOptions& options) {
  if (logits.dim() != 2 || targets.dim() != 1 || logits.size(0) != targets.size(0)) {
    wrong_shapes("cross_entropy", logits, targets);
  }
  const at::Tensor counted = targets.ne(options.ignore_index);
  const at::Tensor kept = targets.masked_select(counted);
  if (kept.numel() > 0 && (kept.min().item<std::int64_t>() < 0 || kept.max().item<std::int64_t>() >= logits.size(1))) {
    throw Error(ErrorKind::kPlugin, "cross_entropy: a target is neither one of the " + std::to_string(logits.size(1)) +
                                        " classes nor ignore_index; look at what features() writes");
  }
  const at::Tensor reduced =
      options.focal_gamma > 0 ? focal_cross_entropy(logits, targets, detail, options)
                              : at::cross_entropy_loss(logits, targets, optional_tensor(options.weights),
                                                       reduction_of(detail), options.ignore_index, options.smoothing);
  Loss loss;
  loss.count = options.weights.defined() ? options.weights.index_select(0, kept).sum(at::kDouble).item<double>()
                                         : static_cast<double>(kept.numel());
  if (detail == LossDetail::kSum) {
    loss.sum = reduced;
    return loss;
  }
  loss.values = reduced.masked_select(counted);
  loss.sum = loss.values.sum();
  const at::Tensor sequences =
      options.sequences.defined() ? options.sequences : sequence_numbers(logits, logits.size(0), 1);
  loss.sequences = sequences.masked_select(counted);
  return loss;
}

Loss binary_cross_entropy(const at::Tensor& logits, const at::Tensor& targets, LossDetail detail,
                          const at::Tensor& positive_weights, double focal_gamma) {
  if (logits.dim() != 2 || targets.sizes() != logits.sizes()) wrong_shapes("binary_cross_entropy", logits, targets);
  const at::Tensor reduced =
      focal_gamma > 0 ? focal_binary_cross_entropy(logits, targets, detail, positive_weights, focal_gamma)
                      : at::binary_cross_entropy_with_logits(logits, targets, std::nullopt,
                                                             optional_tensor(positive_weights), reduction_of(detail));
  return from_reduced(reduced, detail, logits.size(0), logits.size(1));
}

Loss squared_error(const at::Tensor& predictions, const at::Tensor& targets, LossDetail detail) {
  const bool is_flat = predictions.dim() == 1 || (predictions.dim() == 2 && predictions.size(1) == 1);
  if (!is_flat || predictions.numel() != targets.numel()) wrong_shapes("squared_error", predictions, targets);
  const at::Tensor reduced = at::mse_loss(predictions.reshape({-1}), targets.reshape({-1}), reduction_of(detail));
  return from_reduced(reduced, detail, predictions.numel(), 1);
}

}  // namespace berth::kit
