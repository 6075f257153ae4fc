// What learns, at which rate: made from the suite's [optimizer] and [finetuning], printed before the first step, and
// the shape of the optimizer's groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/encoder.h"
#include "core/suite/suite.h"
#include "core/training/parameter_patterns.h"

namespace berth::training {

enum class Status : std::uint8_t {
  kTrained,
  kFrozen,
  kUnused,   // no head of the suite reads it (a pooler that nobody asks for)
  kAdapted,  // stands for its pre-trained value and what its adapters, planned as parameters of their own, add
};

struct PlannedParameter {
  std::string name;  // the encoder's as transformers has it; a head's: "heads.TASK.NAME"
  at::Tensor tensor;
  std::string group;  // "embeddings", "layers.3", "pooler", "heads.TASK"
  Status status = Status::kTrained;
  double rate = 0;  // before the schedule
  double weight_decay = 0;
  std::size_t schedule = 0;  // 0: the suite's; 1 + k: that of the k-th task's head
  at::Tensor anchor = {};    // what its decay pulls it towards; undefined: zero

  bool is_head() const { return training::is_head(group); }
  bool is_adapter() const { return !is_head() && name.find(".lora_") != std::string::npos; }
  bool has_gradient() const { return status == Status::kTrained || status == Status::kAdapted; }
};

// The low-rank update of a weight; see Lora. The matrices are planned as "WEIGHT'S.lora_A.weight" and so on, as peft
// names them.
struct Adapter {
  std::string weight;  // the name without ".weight"
  at::Tensor tensor;   // [out, in]: of that parameter
  at::Tensor a;        // [rank, in]
  at::Tensor b;        // [out, rank]
};

struct HeadParameters {
  std::string task;
  std::optional<double> rate;  // the task's own
  NamedTensors parameters;
  bool has_schedule = false;  // of its own
};

struct ParameterPlan {
  std::vector<PlannedParameter> parameters;
  std::vector<Adapter> adapters;

  std::int64_t count(Status status) const;  // numbers, not tensors
  std::int64_t total() const;
  std::vector<at::Tensor> trained() const;  // in their order
  double trained_share() const;             // of all that is used or frozen

  // The multiplications in a step's products with the layers' weights, as a part of what they are where everything
  // learns: each weight has a product forwards, one for its gradient if it has one, and one for its input's if anything
  // before it learns. What a run computes once for all epochs is counted at every step.
  double compute_share() const;

  // A table by group: status, rate, decay, numbers.
  std::string describe() const;
};

std::string_view status_name(Status status);

// Sets requires_grad of every tensor but adapters', which never are in a graph. uses_pooler: whether some head reads
// HeadInput::kPooled. Throws Error kConfig for a pattern that matches nothing, naming the nearest group, where nothing
// is left to train, and where what [finetuning] changes is frozen.
ParameterPlan make_plan(const model::Encoder& encoder, bool uses_pooler, const std::vector<HeadParameters>& heads,
                        const suite::OptimizerConfig& config, const suite::FinetuningConfig& finetuning = {});

}  // namespace berth::training
