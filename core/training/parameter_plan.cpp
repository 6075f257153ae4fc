#include "core/training/parameter_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/suite/option_binder.h"

namespace berth::training {
namespace {

constexpr std::string_view kLayerPrefix = "encoder.layer.";

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// -1 for what is not in a layer.
std::int64_t layer_of(std::string_view name) {
  if (!name.starts_with(kLayerPrefix)) return -1;
  name.remove_prefix(kLayerPrefix.size());
  return number(name.substr(0, name.find('.'))).value_or(-1);
}

std::string group_of(const std::string& name) {
  if (const auto layer = layer_of(name); layer >= 0) return fmt::format("layers.{}", layer);
  return name.substr(0, name.find('.'));
}

// "layers.2" or "layers.0-3" as a range of layers.
std::optional<std::pair<std::int64_t, std::int64_t>> layer_range(std::string_view pattern) {
  constexpr std::string_view kPrefix = "layers.";
  if (!pattern.starts_with(kPrefix)) return std::nullopt;
  pattern.remove_prefix(kPrefix.size());
  const auto dash = pattern.find('-');
  const auto low = number(pattern.substr(0, dash));
  const auto high = dash == std::string_view::npos ? low : number(pattern.substr(dash + 1));
  if (!low || !high || *low > *high) return std::nullopt;
  return std::pair(*low, *high);
}

// A pattern names a group, a range of layers, all of the encoder or of the heads, or a name down to one of its dots.
bool matches(std::string_view pattern, const PlannedParameter& parameter) {
  if (const auto range = layer_range(pattern)) {
    const auto layer = layer_of(parameter.name);
    return layer >= range->first && layer <= range->second;
  }
  if (pattern == "encoder") return !parameter.is_head();
  if (pattern == "heads") return parameter.is_head();
  if (pattern == "layers") return layer_of(parameter.name) >= 0;
  const std::string_view name = parameter.name;
  return name.starts_with(pattern) && (name.size() == pattern.size() || name[pattern.size()] == '.');
}

// transformers' Trainer and BERT's own optimizer leave biases and LayerNorm's weights without decay.
bool decays(const std::string& name) {
  return !name.ends_with("bias") && name.find("LayerNorm") == std::string::npos &&
         name.find("norm") == std::string::npos;
}

double encoder_rate(const std::string& name, const model::Encoder& encoder, const suite::OptimizerConfig& config) {
  const auto layers = encoder.config().num_hidden_layers;
  std::int64_t depth = 0;  // the pooler stands above the last layer
  if (const auto layer = layer_of(name); layer >= 0) {
    depth = layers - layer;
  } else if (name.starts_with("embeddings.")) {
    depth = layers + 1;
  }
  return config.rate * std::pow(config.layer_decay, static_cast<double>(depth));
}

void freeze(ParameterPlan& plan, const suite::OptimizerConfig& config) {
  for (const auto& pattern : config.freeze) {
    bool matched = false;
    for (auto& parameter : plan.parameters) {
      if (!matches(pattern.text, parameter)) continue;
      matched = true;
      if (parameter.status == Status::kTrained) parameter.status = Status::kFrozen;
    }
    if (matched) continue;
    std::vector<std::string> known = {"encoder", "embeddings", "layers", "heads"};
    for (const auto& parameter : plan.parameters) {
      if (known.back() != parameter.group) known.push_back(parameter.group);
    }
    const auto nearest = suite::nearest_name(pattern.text, known);
    throw Error(
        ErrorKind::kConfig, pattern.where,
        fmt::format("optimizer.freeze: '{}' matches no parameter{}; give embeddings, layers.N, layers.N-M, pooler, "
                    "encoder, heads.TASK or a parameter's name",
                    pattern.text, nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest)));
  }
}

std::string_view status_name(Status status) {
  static constexpr std::string_view kNames[] = {"trained", "frozen", "unused"};
  return kNames[static_cast<int>(status)];
}

std::string with_thousands(std::int64_t value) {
  std::string text = std::to_string(value);
  for (auto i = static_cast<std::int64_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

}  // namespace

std::int64_t ParameterPlan::count(Status status) const {
  std::int64_t sum = 0;
  for (const auto& parameter : parameters) {
    if (parameter.status == status) sum += parameter.tensor.numel();
  }
  return sum;
}

std::int64_t ParameterPlan::total() const {
  std::int64_t sum = 0;
  for (const auto& parameter : parameters) sum += parameter.tensor.numel();
  return sum;
}

double ParameterPlan::trained_share() const {
  const auto used = total() - count(Status::kUnused);
  return used == 0 ? 0 : static_cast<double>(count(Status::kTrained)) / static_cast<double>(used);
}

std::string ParameterPlan::describe() const {
  struct Row {
    std::string group;
    Status status;
    double rate;
    double decay;
    std::int64_t numbers;
  };
  std::vector<Row> rows;
  for (const auto& p : parameters) {
    // A group is one row for each status and rate in it; its decay is that of its weights.
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) {
      return r.group == p.group && r.status == p.status && r.rate == p.rate;
    });
    if (row == rows.end()) row = rows.insert(row, {p.group, p.status, p.rate, 0, 0});
    row->decay = std::max(row->decay, p.weight_decay);
    row->numbers += p.tensor.numel();
  }
  std::string text = fmt::format("{:<24} {:<8} {:>10} {:>8} {:>13}\n", "parameters", "", "rate", "decay", "numbers");
  for (const auto& row : rows) {
    const bool trained = row.status == Status::kTrained;
    text += fmt::format("{:<24} {:<8} {:>10} {:>8} {:>13}\n", row.group, status_name(row.status),
                        trained ? fmt::format("{:.3g}", row.rate) : "-",
                        trained ? fmt::format("{:.3g}", row.decay) : "-", with_thousands(row.numbers));
  }
  return text + fmt::format("{} of {} numbers learn ({:.1f}%)\n", with_thousands(count(Status::kTrained)),
                            with_thousands(total() - count(Status::kUnused)), 100 * trained_share());
}

ParameterPlan make_plan(const model::Encoder& encoder, bool uses_pooler, const std::vector<HeadParameters>& heads,
                        const suite::OptimizerConfig& config) {
  ParameterPlan plan;
  const auto decay_of = [&](const std::string& name) { return decays(name) ? config.weight_decay : 0.0; };
  for (const auto& [name, tensor] : encoder.parameters()) {
    const bool unused = !uses_pooler && name.starts_with("pooler.");
    plan.parameters.push_back({name, tensor, group_of(name), unused ? Status::kUnused : Status::kTrained,
                               encoder_rate(name, encoder, config), decay_of(name)});
  }
  for (const auto& head : heads) {
    const double rate = head.rate.value_or(config.head_rate.value_or(config.rate));
    const std::size_t schedule = head.has_schedule ? 1 + static_cast<std::size_t>(&head - heads.data()) : 0;
    for (const auto& [name, tensor] : head.parameters) {
      const auto group = "heads." + head.task;
      plan.parameters.push_back({group + "." + name, tensor, group, Status::kTrained, rate, decay_of(name), schedule});
    }
  }
  freeze(plan, config);
  for (auto& parameter : plan.parameters) parameter.tensor.set_requires_grad(parameter.status == Status::kTrained);
  if (plan.count(Status::kTrained) == 0) {
    throw Error(ErrorKind::kConfig, config.freeze.empty() ? Where{} : config.freeze.back().where,
                "optimizer.freeze leaves nothing to train; take a pattern out");
  }
  return plan;
}

}  // namespace berth::training
