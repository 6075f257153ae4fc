// What the autograd functions that span a whole block of the encoder share.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <initializer_list>

#include "core/model/residual_norm.h"

namespace berth::model {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Is there anything that backward will be asked for?
inline Keep kept_for(std::initializer_list<const at::Tensor*> inputs) {
  if (!at::GradMode::is_enabled()) return Keep::kNothing;
  for (const at::Tensor* input : inputs) {
    if (input->requires_grad()) return Keep::kForBackward;
  }
  return Keep::kNothing;
}

// Settings of one call, carried from forward to backward.
template <typename Run>
struct SavedRun : torch::CustomClassHolder {
  explicit SavedRun(const Run& r) : run(r) {}
  Run run;
};

template <typename Run>
void save_run(AutogradContext& context, const Run& run) {
  context.saved_data["run"] = c10::IValue::make_capsule(c10::make_intrusive<SavedRun<Run>>(run));
}

template <typename Run>
const Run& saved_run(AutogradContext& context) {
  return static_cast<const SavedRun<Run>&>(*context.saved_data.at("run").toCapsule()).run;
}

inline void check_first_derivative() {
  TORCH_CHECK(!at::GradMode::is_enabled(), "the encoder has no second derivative: don't ask for create_graph");
}

}  // namespace berth::model
