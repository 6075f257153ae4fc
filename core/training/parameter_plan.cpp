#include "core/training/parameter_plan.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/training/random.h"

namespace berth::training {
namespace {

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

std::vector<std::string> names_of(const ParameterPlan& plan) {
  std::vector<std::string> names;
  names.reserve(plan.parameters.size());
  for (const auto& parameter : plan.parameters) names.push_back(parameter.name);
  return names;
}

void freeze(PlannedParameter& parameter) {
  if (parameter.status == Status::kTrained) parameter.status = Status::kFrozen;
}

// The patterns that a method stands for.
std::vector<suite::Pattern> patterns_of(const suite::FinetuningConfig& config, std::int64_t layers) {
  const suite::Pattern pooler{"pooler", {}};
  switch (config.method) {
    case suite::Method::kStudy:
      return {{"embeddings", {}}, pooler};
    case suite::Method::kTop:
      if (config.top_layers > layers) {
        throw Error(ErrorKind::kConfig,
                    config.top_layers_where.file.empty() ? config.method_where : config.top_layers_where,
                    fmt::format("finetuning.top_layers is {}, but the model has {} layers", config.top_layers, layers));
      }
      return {{fmt::format("layers.{}-{}", layers - config.top_layers, layers - 1), {}}, pooler};
    case suite::Method::kBiases:
      return {{"biases", {}}};
    case suite::Method::kAdapters:
      return {{"adapters", {}}};
    case suite::Method::kFull:
    case suite::Method::kHeads:
    case suite::Method::kLora:
      break;
  }
  return {};
}

// Freezes what the patterns don't name: of the encoder, and of the heads if they name any of these.
void keep_only(ParameterPlan& plan, const std::vector<suite::Pattern>& patterns) {
  std::vector<bool> kept(plan.parameters.size(), false);
  bool names_heads = false;
  for_each_match(patterns, "optimizer.train_only", names_of(plan), [&](std::size_t i) {
    kept[i] = true;
    names_heads |= plan.parameters[i].is_head();
  });
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i] && (names_heads || !plan.parameters[i].is_head())) freeze(plan.parameters[i]);
  }
}

// Small, so that the update is small next to the weight: peft's start. b starts at zero, the update too.
at::Tensor start_of_a(const at::Tensor& weight, std::int64_t rank, std::uint64_t seed) {
  const double bound = 1 / std::sqrt(static_cast<double>(weight.size(1)));
  return at::empty({rank, weight.size(1)}, weight.options())
      .uniform_(-bound, bound, at::make_generator<at::CPUGeneratorImpl>(seed));
}

// weights: those that may get an update. A pattern that matches others alone is no typing error.
void check_targets(const ParameterPlan& plan, const std::vector<std::string>& weights,
                   const std::vector<suite::Pattern>& targets) {
  for (const auto& target : targets) {
    const auto is_named = [&target](const std::string& name) { return matches(target.text, name); };
    const auto all = names_of(plan);
    if (std::none_of(all.begin(), all.end(), is_named) || std::any_of(weights.begin(), weights.end(), is_named))
      continue;
    throw Error(
        ErrorKind::kConfig, target.where,
        fmt::format("finetuning.lora_targets: '{}' names no matrix of a layer or the pooler that may learn; give "
                    "query, key, value, attention, feed_forward, layers.N-M or a parameter's name, and look "
                    "whether optimizer.freeze names it",
                    target.text));
  }
}

// is_frozen: named by optimizer.freeze, of each parameter.
void add_adapters(ParameterPlan& plan, const model::Encoder& encoder, const suite::OptimizerConfig& optimizer,
                  const suite::FinetuningConfig& config, const std::vector<bool>& is_frozen) {
  const at::NoGradGuard no_grad;
  std::vector<std::string> weights;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < plan.parameters.size(); ++i) {
    const auto& p = plan.parameters[i];
    if (p.is_head() || p.status == Status::kUnused || p.tensor.dim() != 2 || p.group == "embeddings" || is_frozen[i])
      continue;
    weights.push_back(p.name);
    places.push_back(i);
  }
  std::vector<bool> is_target(plan.parameters.size(), false);
  check_targets(plan, weights, config.lora_targets);
  for_each_match(config.lora_targets, "finetuning.lora_targets", weights,
                 [&](std::size_t i) { is_target[places[i]] = true; });
  for (std::size_t i = 0; i < is_target.size(); ++i) {
    if (!is_target[i]) continue;
    plan.parameters[i].status = Status::kAdapted;
    const auto target = plan.parameters[i];  // a copy: parameters are added
    const auto name = target.name.substr(0, target.name.rfind('.'));
    const auto seed = mix({encoder.options().seed, hash_name("lora"), hash_name(name)});
    plan.adapters.push_back({name, target.tensor, start_of_a(target.tensor, config.lora_rank, seed),
                             at::zeros({target.tensor.size(0), config.lora_rank}, target.tensor.options())});
    const auto& adapter = plan.adapters.back();
    for (const auto& [part, tensor] : {std::pair("lora_A", adapter.a), std::pair("lora_B", adapter.b)}) {
      plan.parameters.push_back({fmt::format("{}.{}.weight", name, part), tensor, target.group, Status::kTrained,
                                 target.rate, optimizer.weight_decay});
    }
  }
}

// What [finetuning] does to weights that never learn would be of no use, or worse.
void check_learns(const ParameterPlan& plan, const model::Encoder& encoder, const suite::FinetuningConfig& config) {
  const auto first = encoder.config().num_hidden_layers - config.reinitialize_layers;
  for (const auto& p : plan.parameters) {
    if (config.reinitialize_layers > 0 && !p.has_gradient() && p.status != Status::kUnused &&
        (layer_of(p.name) >= first || p.group == "pooler")) {
      throw Error(ErrorKind::kConfig, config.reinitialize_where,
                  fmt::format("finetuning.reinitialize_layers = {} gives {} random values, but it is frozen and would "
                              "keep them; let it learn, or reinitialize fewer layers",
                              config.reinitialize_layers, p.name));
    }
    if (config.adversarial > 0 && p.tensor.is_same(encoder.word_embeddings()) && !p.has_gradient()) {
      throw Error(
          ErrorKind::kConfig, config.adversarial_where,
          "finetuning.adversarial moves the word embeddings along their gradient, but they are frozen; let them "
          "learn, or take it away");
    }
  }
}

std::string with_thousands(std::int64_t value) {
  std::string text = std::to_string(value);
  for (auto i = static_cast<std::int64_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

}  // namespace

std::string_view status_name(Status status) {
  static constexpr std::string_view kNames[] = {"trained", "frozen", "unused", "adapted"};
  return kNames[static_cast<int>(status)];
}

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

std::vector<at::Tensor> ParameterPlan::trained() const {
  std::vector<at::Tensor> tensors;
  for (const auto& parameter : parameters) {
    if (parameter.status == Status::kTrained) tensors.push_back(parameter.tensor);
  }
  return tensors;
}

double ParameterPlan::trained_share() const {
  const auto used = total() - count(Status::kUnused);
  return used == 0 ? 0 : static_cast<double>(count(Status::kTrained)) / static_cast<double>(used);
}

double ParameterPlan::compute_share() const {
  double products = 0, all = 0;
  bool learns_before = false;        // anything that this weight's input depends on
  bool learns_before_layer = false;  // the same, of queries, keys and values: they read the layer's input
  std::int64_t layer = -1;
  for (const auto& p : parameters) {
    if (p.is_head() || p.is_adapter()) continue;
    if (layer_of(p.name) != layer) {
      layer = layer_of(p.name);
      learns_before_layer = learns_before;
    }
    if (layer >= 0 && p.tensor.dim() == 2) {
      const bool reads_layer = p.name.find(".self.") != std::string::npos;
      const auto numbers = static_cast<double>(p.tensor.numel());
      products +=
          numbers * (1 + (p.has_gradient() ? 1 : 0) + ((reads_layer ? learns_before_layer : learns_before) ? 1 : 0));
      all += 3 * numbers;
    }
    learns_before |= p.has_gradient();
  }
  return all == 0 ? 1 : products / all;
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
  return text + fmt::format(
                    "{} of {} numbers learn ({:.1f}%); a step has {:.0f}% of the layers' products that it has "
                    "where all learn\n",
                    with_thousands(count(Status::kTrained)), with_thousands(total() - count(Status::kUnused)),
                    100 * trained_share(), 100 * compute_share());
}

ParameterPlan make_plan(const model::Encoder& encoder, bool uses_pooler, const std::vector<HeadParameters>& heads,
                        const suite::OptimizerConfig& config, const suite::FinetuningConfig& finetuning) {
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
      plan.parameters.push_back(
          {fmt::format("{}.{}", group, name), tensor, group, Status::kTrained, rate, decay_of(name), schedule});
    }
  }
  const auto patterns = finetuning.method == suite::Method::kFull
                            ? config.train_only
                            : patterns_of(finetuning, encoder.config().num_hidden_layers);
  if (finetuning.method != suite::Method::kFull || !patterns.empty()) keep_only(plan, patterns);
  std::vector<bool> is_named(plan.parameters.size(), false);
  for_each_match(config.freeze, "optimizer.freeze", names_of(plan), [&](std::size_t i) {
    freeze(plan.parameters[i]);
    is_named[i] = true;
  });
  if (finetuning.method == suite::Method::kLora) add_adapters(plan, encoder, config, finetuning, is_named);
  if (plan.count(Status::kTrained) == 0) {
    const auto& last = config.freeze.empty() ? config.train_only : config.freeze;
    throw Error(
        ErrorKind::kConfig, last.empty() ? Where{} : last.back().where,
        "what optimizer.train_only, optimizer.freeze and finetuning.method leave to train is nothing; freeze less");
  }
  check_learns(plan, encoder, finetuning);
  for (auto& p : plan.parameters) {
    if (!p.is_adapter()) p.tensor.set_requires_grad(p.has_gradient());
    const bool is_pulled = p.status == Status::kTrained && !p.is_head() && !p.is_adapter() && p.weight_decay > 0;
    if (config.decay_to == suite::DecayTarget::kPretrained && is_pulled) p.anchor = p.tensor.detach().clone();
  }
  return plan;
}

}  // namespace berth::training
