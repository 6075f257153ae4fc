// Losses that ask for the same answer twice: R-Drop, of two passes with other dropout, and SMART's smoothness, of a
// pass whose embeddings are moved to where the answer changes most. Called by the trainer.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "berth/loss.h"

namespace berth::finetuning {

// What one pass through encoder and head gave.
struct Answer {
  Loss loss;
  at::Tensor log_p;  // [K, classes], as Head::log_probabilities()
};

// [K]: KL(p || q) + KL(q || p) of each row.
at::Tensor symmetric_divergence(const at::Tensor& log_p, const at::Tensor& log_q);

// R-Drop (Liang et al. 2021, "R-Drop: Regularized Dropout for Neural Networks", equation 4, over 2 so that a weight of
// 0 is plain training): the mean of both passes' losses, plus `weight` / 2 times the sum of their symmetric
// divergences. The weight is their code's alpha.
Loss r_drop(const Answer& first, const Answer& second, double weight);

// Smoothness-inducing adversarial regularisation (Jiang et al. 2020, "SMART: Robust and Efficient Fine-Tuning for
// Pre-trained Natural Language Models through Principled Regularized Optimization", section 2.1 and algorithm 1, with
// one step of ascent): embeddings start from noise of deviation radius, go 100 radii along the gradient of the
// divergence from the unmoved answer, and are cut to +-radius in every number; the paper's ratios. Every token goes
// along its own gradient over the largest of its numbers. What moves is the output of the first stage that is computed,
// the embeddings with their LayerNorm, or what is kept of frozen layers. Without the paper's proximal updates.

// A leaf that asks for its gradient.
at::Tensor smart_start(const at::Tensor& hidden, double radius, std::uint64_t seed);

// The move, in [-radius, radius]. move, gradient: [N, width], of smart_start() and of the divergence in it.
at::Tensor smart_ascent(const at::Tensor& move, const at::Tensor& gradient, double radius);

}  // namespace berth::finetuning
