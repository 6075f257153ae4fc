// The usual losses as {sum, count}. Divided, they are torch's with reduction='mean'.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "berth/loss.h"

namespace berth::kit {

struct CrossEntropyOptions {
  at::Tensor weights;                // [classes], of the logits' type; undefined: all 1
  double smoothing = 0;              // share of the target that is spread over all classes
  std::int64_t ignore_index = -100;  // rows with this target are not counted
  at::Tensor sequences;              // [K] int64, the sequence of each row; undefined: row k is sequence k
  double focal_gamma = 0;            // above 0: the focal loss with this gamma; not together with smoothing
};

// logits: [K, classes]. targets: [K] int64. count: the sum of the counted targets' weights.
// The focal loss (Lin et al. 2017, "Focal Loss for Dense Object Detection", equation 5) multiplies each row's
// cross-entropy by (1 - p)^gamma, p being the probability that the target gets: what is right already counts less. The
// weights are the paper's alpha; the count does not change.
// Throws Error kPlugin where a target is neither a class nor ignore_index.
Loss cross_entropy(const at::Tensor& logits, const at::Tensor& targets, LossDetail detail,
                   const CrossEntropyOptions& options = {});

// Each label by itself, yes or no. logits, targets (0 to 1): [B, labels], both real. positive_weights: [labels], what a
// yes weighs (torch's pos_weight); undefined: 1. count: B * labels; values in the order of the rows. focal_gamma above
// 0: the focal loss, as above, where targets are 0 or 1.
Loss binary_cross_entropy(const at::Tensor& logits, const at::Tensor& targets, LossDetail detail,
                          const at::Tensor& positive_weights = {}, double focal_gamma = 0);

// predictions, targets: [B] or [B, 1], real. count: B.
Loss squared_error(const at::Tensor& predictions, const at::Tensor& targets, LossDetail detail);

}  // namespace berth::kit
