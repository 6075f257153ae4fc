// The losses of debiasing as functions of log-probabilities, [K, classes] each, and right classes, [K] int64; all
// return [K]. log_p is the model's and has gradients; log_b is the biased model's.
#pragma once

#include <ATen/core/Tensor.h>

namespace berth::debias {

// -log softmax(log p + log b) of what is right: what the bias explains already teaches little (Clark, Yatskar &
// Zettlemoyer 2019, section 3.2.2; He, Zha & Wang 2019; Karimi Mahabadi, Belinkov & Henderson 2020, section 3.2). With
// a bias that is the same for all classes it is cross-entropy.
at::Tensor product_of_experts(const at::Tensor& log_p, const at::Tensor& log_b, const at::Tensor& targets);

// The same with gate * log b, and `entropy` times the entropy of softmax(gate * log b), so that the gate does not learn
// to switch the bias off (Clark et al. 2019, section 3.2.4, "Learned-Mixin +H"). gate: [K].
struct MixinTerms {
  at::Tensor log_p;
  at::Tensor log_b;
  at::Tensor targets;
  at::Tensor gate;
  double entropy = 0;
};
at::Tensor learned_mixin(const MixinTerms& terms);

// 1 - b of what is right, divided by the mean over all rows (Clark et al. 2019, section 3.2.1; Schuster et al. 2019,
// "Towards Debiasing Fact Verification Models"). All alike: 1.
at::Tensor bias_weights(const at::Tensor& log_b, const at::Tensor& targets);

// The teacher's probabilities, flattened where the bias is sure of what is right: p_t ^ (1 - b), normalised (Utama,
// Moosavi & Gurevych 2020, "Mind the Trade-off", section 3.2). [K, classes].
at::Tensor confidence_targets(const at::Tensor& log_teacher, const at::Tensor& log_b, const at::Tensor& targets);

// Cross-entropy with these.
at::Tensor soft_cross_entropy(const at::Tensor& log_p, const at::Tensor& soft_targets);

}  // namespace berth::debias
