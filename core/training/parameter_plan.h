// What learns, at which rate: made from the suite's [optimizer], printed before the first step, and the shape of the
// optimizer's groups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model/encoder.h"
#include "core/suite/suite.h"

namespace berth::training {

enum class Status : std::uint8_t {
  kTrained,
  kFrozen,  // named by `freeze`
  kUnused,  // no head of the suite reads it (a pooler that nobody asks for)
};

struct PlannedParameter {
  std::string name;  // the encoder's as transformers has it; a head's: "heads.TASK.NAME"
  at::Tensor tensor;
  std::string group;  // "embeddings", "layers.3", "pooler", "heads.TASK"
  Status status = Status::kTrained;
  double rate = 0;  // before the schedule
  double weight_decay = 0;
  std::size_t schedule = 0;  // 0: the suite's; 1 + k: that of the k-th task's head

  bool is_head() const { return group.starts_with("heads."); }
};

struct HeadParameters {
  std::string task;
  std::optional<double> rate;  // the task's own
  NamedTensors parameters;
  bool has_schedule = false;  // of its own
};

struct ParameterPlan {
  std::vector<PlannedParameter> parameters;

  std::int64_t count(Status status) const;  // numbers, not tensors
  std::int64_t total() const;
  double trained_share() const;  // of all that is used or frozen

  // A table by group: status, rate, decay, numbers.
  std::string describe() const;
};

// Sets requires_grad of every tensor. uses_pooler: whether some head reads HeadInput::kPooled. Throws Error kConfig for
// a freeze pattern that matches nothing, naming the nearest group, and where nothing is left to train.
ParameterPlan make_plan(const model::Encoder& encoder, bool uses_pooler, const std::vector<HeadParameters>& heads,
                        const suite::OptimizerConfig& config);

}  // namespace berth::training
