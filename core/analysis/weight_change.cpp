#include "core/analysis/weight_change.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/dot.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/special_entr.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/training/parameter_patterns.h"

namespace berth::analysis {
namespace {

struct KindRule {
  std::string_view part;  // of the parameter's name; the first that fits counts
  std::string_view kind;
};

constexpr KindRule kRules[] = {
    {".word_embeddings.", "word"},
    {".position_embeddings.", "position"},
    {".token_type_embeddings.", "segment"},
    {".adapter.", "adapters"},
    {"LayerNorm", "norms"},
    {".bias", "biases"},
    {".self.query.", "query"},
    {".self.key.", "key"},
    {".self.value.", "value"},
    {".attention.output.", "attention_output"},
    {".intermediate.", "up"},
    {".output.", "down"},
    {"pooler.", "pooler"},
};

// What distances and angles of several tensors together are made of.
struct Sums {
  double before = 0;  // squares
  double after = 0;
  double both = 0;        // products
  double difference = 0;  // squares: before and after are near each other, their sums would cancel

  Sums& operator+=(const Sums& other) {
    before += other.before;
    after += other.after;
    both += other.both;
    difference += other.difference;
    return *this;
  }
};

double squares(const at::Tensor& values) { return at::dot(values, values).item<double>(); }

// The angle from the chord between the unit vectors: an arc cosine near 1 would lose half of the digits.
double degrees(const Sums& sums) {
  const double lengths = std::sqrt(sums.before * sums.after);
  if (!(lengths > 0)) return std::numeric_limits<double>::quiet_NaN();
  const double gap = std::sqrt(sums.after) - std::sqrt(sums.before);
  const double chord = std::sqrt(std::max(0.0, sums.difference - gap * gap) / lengths);
  return 2 * std::asin(std::min(1.0, chord / 2)) * 180 / std::numbers::pi;
}

WeightChange change_of(const Sums& sums) {
  WeightChange change;
  change.distance = std::sqrt(sums.difference);
  change.relative =
      sums.before > 0 ? std::sqrt(sums.difference / sums.before) : std::numeric_limits<double>::quiet_NaN();
  change.angle = degrees(sums);
  return change;
}

struct Part {
  std::string group;
  std::string_view kind;
  Sums sums;
  std::optional<UpdateRank> rank;
  int tensors = 0;
};

std::vector<Part> parts_of(const NamedTensors& before, const NamedTensors& after) {
  std::vector<Part> parts;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto& name = before[i].name;
    auto group = training::group_of(name);
    const auto kind = kind_of(name);
    auto part =
        std::find_if(parts.begin(), parts.end(), [&](const Part& p) { return p.group == group && p.kind == kind; });
    if (part == parts.end()) part = parts.insert(part, {std::move(group), kind, {}, {}, 0});
    const at::Tensor x = before[i].tensor.detach().cpu().to(at::kDouble);
    const at::Tensor y = after[i].tensor.detach().cpu().to(at::kDouble);
    const at::Tensor difference = y - x;
    const Sums own = {squares(x.flatten()), squares(y.flatten()), at::dot(x.flatten(), y.flatten()).item<double>(),
                      squares(difference.flatten())};
    part->sums += own;
    ++part->tensors;
    if (x.dim() == 2 && own.difference > 0) part->rank = update_rank(difference);
    if (part->tensors > 1) part->rank.reset();
  }
  return parts;
}

}  // namespace

std::string_view kind_of(std::string_view name) {
  for (const auto& [part, kind] : kRules) {
    if (name.find(part) != std::string_view::npos) return kind;
  }
  return "other";
}

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> kAll = {
      "word", "position", "segment",  "query",  "key",   "value", "attention_output",
      "up",   "down",     "adapters", "pooler", "norms", "biases"};
  return kAll;
}

UpdateRank update_rank(const at::Tensor& difference) {
  const at::Tensor wide = difference.to(at::kDouble);
  const bool is_tall = wide.size(0) >= wide.size(1);
  UpdateRank rank;
  rank.full = std::min(wide.size(0), wide.size(1));
  // Singular values as roots of the smaller product's eigenvalues: many times faster than a decomposition, and what it
  // loses are values below 1e-8 of the largest.
  const at::Tensor product = is_tall ? at::matmul(wide.t(), wide) : at::matmul(wide, wide.t());
  const at::Tensor values = at::linalg_eigvalsh(product).clamp_min(0);
  const double largest = values.max().item<double>();
  if (largest == 0) return rank;
  rank.stable = values.sum().item<double>() / largest;
  const at::Tensor roots = values.sqrt();
  rank.effective = std::exp(at::special_entr(roots / roots.sum()).sum().item<double>());
  return rank;
}

std::vector<WeightChange> weight_changes(const NamedTensors& before, const NamedTensors& after) {
  const auto parts = parts_of(before, after);
  std::vector<std::string> groups;
  for (const auto& part : parts) {
    if (groups.empty() || groups.back() != part.group) groups.push_back(part.group);
  }
  std::vector<WeightChange> changes;
  const auto add = [&](const std::string& group, const std::string& kind, const Sums& sums) -> WeightChange& {
    changes.push_back(change_of(sums));
    changes.back().group = group;
    changes.back().kind = kind;
    return changes.back();
  };
  for (const auto& group : groups) {
    Sums whole;
    for (const auto& kind : kinds()) {
      for (const auto& part : parts) {
        if (part.group != group || part.kind != kind) continue;
        add(group, kind, part.sums).rank = part.rank;
        whole += part.sums;
      }
    }
    add(group, "all", whole);
  }
  return changes;
}

}  // namespace berth::analysis
