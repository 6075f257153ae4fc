#include "core/analysis/substitution.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>

#include "core/training/parameter_patterns.h"

namespace berth::analysis {
namespace {

// The values before training in the encoder's own tensors, until this is destroyed.
class PutBack {
 public:
  PutBack(const model::Encoder& encoder, const NamedTensors& before, const std::string& group) {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (training::group_of(before[i].name) != group || at::equal(before[i].tensor, encoder.parameters()[i].tensor)) {
        continue;
      }
      parts_.push_back({encoder.parameters()[i].tensor, encoder.parameters()[i].tensor.detach().clone()});
      parts_.back().parameter.copy_(before[i].tensor);
    }
  }
  ~PutBack() {
    const at::NoGradGuard no_grad;
    for (const auto& part : parts_) part.parameter.copy_(part.own);
  }
  PutBack(const PutBack&) = delete;
  PutBack& operator=(const PutBack&) = delete;

  bool changes_something() const { return !parts_.empty(); }

 private:
  struct Part {
    at::Tensor parameter, own;
  };
  std::vector<Part> parts_;
};

}  // namespace

std::vector<Substitution> substitute(const evaluation::TaskModel& model, const NamedTensors& before,
                                     const data::TaskData& set, const evaluation::EvaluationOptions& options) {
  std::vector<Substitution> scores;
  std::string last;
  for (const auto& parameter : before) {
    const auto group = training::group_of(parameter.name);
    if (group == last) continue;
    last = group;
    const PutBack put_back(model.encoder, before, group);
    if (!put_back.changes_something()) continue;
    scores.push_back({group, evaluation::evaluate(model, set, options, {}).primary().value});
  }
  return scores;
}

}  // namespace berth::analysis
