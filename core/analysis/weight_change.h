// What training did to the weights: how far each is from its value before, in which direction, and how many dimensions
// the difference has. Called by the analysis of a run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/named_tensor.h"

namespace berth::analysis {

// Of a matrix of differences with the singular values s.
struct UpdateRank {
  double stable = 0;      // sum s^2 / max s^2 (Rudelson & Vershynin 2007): how many directions carry most of it
  double effective = 0;   // exp of the entropy of s / sum s (Roy & Vetterli 2007): how many carry all of it
  std::int64_t full = 0;  // what it could be at most
};

// One tensor, or several taken together as if their numbers stood in one vector.
struct WeightChange {
  std::string group;               // "embeddings", "layers.3", "pooler"
  std::string kind;                // one of kinds(); "all" of a group as a whole
  double distance = 0;             // |after - before|
  double relative = 0;             // by |before|; NaN where that is 0
  double angle = 0;                // between before and after, in degrees; NaN where one of them is 0
  std::optional<UpdateRank> rank;  // of single matrices that changed
};

// "word", "position", "segment", "query", "key", "value", "attention_output", "up", "down", "adapters",
// "pooler", "norms", "biases".
std::string_view kind_of(std::string_view name);
const std::vector<std::string>& kinds();

// Parameters of an encoder before and after, in the same order. First each group's kinds, in the order of kinds(), then
// the group as a whole.
std::vector<WeightChange> weight_changes(const NamedTensors& before, const NamedTensors& after);

// difference: [m, n]. Of a matrix of zeros both ranks are 0.
UpdateRank update_rank(const at::Tensor& difference);

}  // namespace berth::analysis
