#include "core/model/activation_checkpoint.h"

#include <torch/csrc/autograd/autograd.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "core/model/autograd_block.h"

namespace berth::model {
namespace {

using Compute = std::function<at::Tensor(const at::Tensor&)>;

// The parameters are inputs, so that their gradients are added to them by the graph that this is a part of: once a
// backward, summed over all that reads them, and with the hooks that tell other processes.
class ActivationCheckpoint : public torch::autograd::Function<ActivationCheckpoint> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, at::TensorList parameters,
                            const Compute& compute) {
    variable_list inputs = {hidden};
    inputs.insert(inputs.end(), parameters.begin(), parameters.end());
    context->save_for_backward(inputs);
    save_run(*context, compute);
    return compute(hidden);  // LibTorch calls forward without gradients: nothing is kept
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    check_first_derivative();
    variable_list inputs = context->get_saved_variables();
    inputs[0] = inputs[0].detach().requires_grad_(context->needs_input_grad(0));  // where the second graph begins
    std::vector<std::size_t> places;
    variable_list needed;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (!context->needs_input_grad(i)) continue;
      places.push_back(i);
      needed.push_back(inputs[i]);
    }
    const at::AutoGradMode grad_mode(true);
    const at::Tensor out = saved_run<Compute>(*context)(inputs[0]);
    const variable_list found =
        torch::autograd::grad({out}, needed, gradients, /*retain_graph=*/std::nullopt, /*create_graph=*/false,
                              /*allow_unused=*/true);
    variable_list result(inputs.size() + 1);  // with compute
    for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = found[i];
    return result;
  }
};

}  // namespace

at::Tensor activation_checkpoint(const Compute& compute, const at::Tensor& hidden, at::TensorList parameters) {
  return ActivationCheckpoint::apply(hidden, parameters, compute);
}

}  // namespace berth::model
