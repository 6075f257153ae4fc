// AdamW (Loshchilov & Hutter 2019) with bias correction, equal to torch.optim.AdamW; one fused call a group.
#pragma once

#include <vector>

#include "core/training/parameter_plan.h"

namespace berth::training {

struct GradientSummary {
  double norm = 0;  // of all gradients together, after `scale`, before clipping
};

class AdamW {
 public:
  AdamW(const ParameterPlan& plan, const suite::OptimizerConfig& config);

  // Multiplies all gradients by `scale`, clips their common norm to clip_norm (0: no clipping), updates every trained
  // parameter that has a gradient at its rate times factors[its schedule], and frees the gradients. A parameter without
  // one (a head whose task is not in this step) stays as it is, moments and count of steps too, as in torch. A norm
  // that is not finite changes nothing and is returned for the caller to judge.
  GradientSummary step(double scale, double clip_norm, const std::vector<double>& factors);

 private:
  struct Slot {
    at::Tensor parameter, mean, variance, step;
  };
  struct Group {
    double rate;
    double weight_decay;
    std::size_t schedule;
    std::vector<Slot> slots;
  };

  void update(Group& group, double factor);

  double beta1_, beta2_, epsilon_;
  std::vector<Group> groups_;
};

}  // namespace berth::training
