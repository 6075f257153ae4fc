#include "core/suite/declarations.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/suite/sweep_config.h"
#include "core/suite/task_declarations.h"
#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

constexpr double kLongestWait = 7 * 24 * 3600;  // seconds

void declare(Section& s, ModelConfig& c) {
  s.path("path", c.path).required("write path = \"FOLDER\", a model folder of the Hugging Face layout").at(c.where);
  s.key("max_length", c.max_length).at_least(3);  // [CLS], a token, [SEP]
  s.key("dropout", c.dropout).at_least(0).below(1);
  s.key("attention_dropout", c.attention_dropout).at_least(0).below(1);
  s.key("frozen_dropout", c.frozen_dropout);
  s.choice("precision", c.precision,
           {{"float32", Precision::kFloat32},
            {"float64", Precision::kFloat64},
            {"bfloat16", Precision::kBFloat16},
            {"auto", Precision::kAuto}});
  s.key("device", c.device).at(c.device_where);
}

void declare(Section& s, TrainingConfig& c) {
  s.choice("preset", c.preset, {{"none", Preset::kNone}, {"few_sample", Preset::kFewSample}});
  s.key("epochs", c.epochs).above(0);
  s.key("steps", c.steps).at_least(0);
  s.key("batch_size", c.batch_size).at_least(1);
  s.key("accumulate", c.accumulate).at_least(1);
  s.key("seed", c.seed).at_least(0);
  s.key("shuffle", c.shuffle);
  s.key("clip_norm", c.clip_norm).at_least(0);
  s.choice("not_finite", c.not_finite,
           {{"stop", NotFinite::kStop}, {"skip", NotFinite::kSkip}, {"back", NotFinite::kBack}});
  s.key("log_every", c.log_every).at_least(1);
  s.key("threads", c.threads).at_least(0);
  s.key("cache_megabytes", c.cache_megabytes).at_least(0);
  s.key("activation_checkpointing", c.activation_checkpointing);
  s.optional_path("feature_cache", c.feature_cache);
}

Field betas_field(std::vector<double>& betas) { return Field{"betas", &betas}.at_least(0).below(1); }

Json betas_schema(const OptimizerConfig& c) {
  std::vector<double> betas = {c.beta1, c.beta2};
  auto schema = schema_of(betas_field(betas));
  schema["minItems"] = schema["maxItems"] = betas.size();
  return schema;
}

void read_betas(const ConfigValue& value, OptimizerConfig& c, const std::string& owner) {
  std::vector<double> betas;
  read_field(betas_field(betas), value, owner);
  if (betas.size() != 2) {
    throw Error(ErrorKind::kConfig, value.where,
                fmt::format("{}: 'betas' must have two numbers, but has {}; write [0.9, 0.999]", owner, betas.size()));
  }
  c.beta1 = betas[0];
  c.beta2 = betas[1];
}

void read_patterns(const ConfigValue& value, const std::string& name, std::vector<Pattern>& patterns,
                   const std::string& owner) {
  std::vector<std::string> texts;
  read_field({name, &texts}, value, owner);
  const auto& places = std::get<ConfigArray>(value.value).values;
  patterns.clear();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) {
      throw Error(
          ErrorKind::kConfig, places[i].where,
          fmt::format("{}: '{}' has an empty pattern; write \"embeddings\", \"layers.0-3\" or a parameter's name",
                      owner, name));
    }
    patterns.push_back({texts[i], places[i].where});
  }
}

std::vector<std::string> texts_of(const std::vector<Pattern>& patterns) {
  std::vector<std::string> texts;
  texts.reserve(patterns.size());
  for (const auto& pattern : patterns) texts.push_back(pattern.text);
  return texts;
}

std::string write_patterns(const std::vector<Pattern>& patterns) {
  auto texts = texts_of(patterns);
  return value_to_toml({"", &texts}).value_or("[]");
}

Json patterns_schema(const std::vector<Pattern>& patterns) {
  auto texts = texts_of(patterns);
  auto schema = schema_of(Field{"", &texts});
  schema["items"]["minLength"] = 1;
  return schema;
}

void declare_patterns(Section& s, const std::string& name, std::vector<Pattern>& patterns) {
  s.custom(name, {[&patterns, name, owner = s.owner()](const ConfigValue& value) {
                    read_patterns(value, name, patterns, owner);
                  },
                  [&patterns] { return write_patterns(patterns); }, [&patterns] { return patterns_schema(patterns); }});
}

void declare(Section& s, OptimizerConfig& c) {
  s.key("rate", c.rate).above(0);
  s.key("head_rate", c.head_rate).above(0);
  s.key("weight_decay", c.weight_decay).at_least(0);
  s.custom("betas", {[&c, owner = s.owner()](const ConfigValue& v) { read_betas(v, c, owner); },
                     [&c] { return fmt::format("[{}, {}]", to_toml(c.beta1), to_toml(c.beta2)); },
                     [&c] { return betas_schema(c); }});
  s.key("epsilon", c.epsilon).above(0);
  s.key("layer_decay", c.layer_decay).above(0).at_most(1);
  s.choice("decay_to", c.decay_to, {{"zero", DecayTarget::kZero}, {"pretrained", DecayTarget::kPretrained}});
  declare_patterns(s, "train_only", c.train_only);
  declare_patterns(s, "freeze", c.freeze);
}

void declare(Section& s, FinetuningConfig& c) {
  s.choice("method", c.method,
           {{"full", Method::kFull},
            {"study", Method::kStudy},
            {"heads", Method::kHeads},
            {"top", Method::kTop},
            {"biases", Method::kBiases},
            {"lora", Method::kLora},
            {"adapters", Method::kAdapters}})
      .at(c.method_where);
  s.key("top_layers", c.top_layers).at_least(1).at(c.top_layers_where);
  s.key("lora_rank", c.lora_rank).at_least(1);
  s.key("lora_alpha", c.lora_alpha).above(0);
  declare_patterns(s, "lora_targets", c.lora_targets);
  s.key("adapter_size", c.adapter_size).at_least(1);
  s.key("reinitialize_layers", c.reinitialize_layers).at_least(0).at(c.reinitialize_where);
  s.key("gradual_unfreezing", c.gradual_unfreezing).at_least(0).at_most(1).at(c.unfreezing_where);
  s.key("mixout", c.mixout).at_least(0).below(1).at(c.mixout_where);
  s.key("adversarial", c.adversarial).at_least(0).at(c.adversarial_where);
  s.key("r_drop", c.r_drop).at_least(0).at(c.r_drop_where);
  s.key("smart", c.smart).at_least(0).at(c.smart_where);
  s.key("smart_radius", c.smart_radius).above(0).at(c.smart_radius_where);
  s.key("average", c.average).at_least(0).at_most(1).at(c.average_where);
}

void declare(Section& s, ScheduleConfig& c) {
  s.choice(
      "kind", c.kind,
      {{"linear", ScheduleKind::kLinear}, {"cosine", ScheduleKind::kCosine}, {"constant", ScheduleKind::kConstant}});
  s.key("warmup", c.warmup).at_least(0).at_most(1);
  s.key("warmup_steps", c.warmup_steps).at_least(0);
}

void declare(Section& s, EvaluationConfig& c) {
  s.key("before", c.before);
  s.key("every", c.every).at_least(0);
  s.key("patience", c.patience).at_least(0);
  s.key("batch_size", c.batch_size).at_least(1);
  s.key("select_by", c.select_by).at(c.select_by_where);
}

void declare(Section& s, MixingConfig::Phase& c) {
  s.key("steps", c.steps).at_least(0);
  s.key("shares", c.shares).at_least(0).required("write shares = { TASK = 1.0 }");
}

void read_phases(const ConfigValue& value, std::vector<MixingConfig::Phase>& phases, const Section& inner) {
  const auto* list = std::get_if<ConfigArray>(&value.value);
  if (list == nullptr) {
    throw Error(
        ErrorKind::kConfig, value.where,
        fmt::format("{} must be a list of tables, but is {}; write phases = [{{ steps = 100, shares = {{ TASK = "
                    "1.0 }} }}]",
                    inner.owner(), type_name(value)));
  }
  phases.clear();
  for (const auto& entry : list->values) {
    MixingConfig::Phase phase;
    phase.where = entry.where;
    auto section = inner;
    declare(section, phase);
    section.fill(entry);
    phases.push_back(std::move(phase));
  }
}

std::optional<std::string> write_phases(const std::vector<MixingConfig::Phase>& phases) {
  if (phases.empty()) return std::nullopt;
  std::string text;
  for (const auto& phase : phases) {
    auto shares = phase.shares;
    text += fmt::format("{}{{ steps = {}, shares = {} }}", text.empty() ? "[" : ", ", phase.steps,
                        value_to_toml({"shares", &shares}).value_or("{}"));
  }
  return text + "]";
}

Json phases_schema(Section inner) {
  MixingConfig::Phase phase;
  declare(inner, phase);
  return {{"type", "array"}, {"items", inner.schema()}};
}

void declare(Section& s, MixingConfig& c) {
  s.choice("kind", c.kind,
           {{"proportional", MixingKind::kProportional},
            {"uniform", MixingKind::kUniform},
            {"temperature", MixingKind::kTemperature},
            {"round_robin", MixingKind::kRoundRobin},
            {"sequential", MixingKind::kSequential},
            {"phases", MixingKind::kPhases}})
      .at(c.kind_where);
  s.choice("step", c.step, {{"one", StepKind::kOneTask}, {"all", StepKind::kAllTasks}}).at(c.step_where);
  s.choice("weights", c.weights, {{"fixed", WeightKind::kFixed}, {"uncertainty", WeightKind::kUncertainty}});
  s.key("surgery", c.surgery);
  s.key("temperature", c.temperature).above(0).at(c.temperature_where);
  s.key("final_temperature", c.final_temperature).above(0).at(c.temperature_where);
  s.custom("phases",
           {[&c, inner = s.child("phases")](const ConfigValue& value) { read_phases(value, c.phases, inner); },
            [&c] { return write_phases(c.phases); }, [inner = s.child("phases")] { return phases_schema(inner); }})
      .at(c.phases_where);
  s.key("weight_rate", c.weight_rate).above(0);
  s.key("cosine_every", c.cosine_every).at_least(0);
}

void declare(Section& s, CheckpointConfig& c) {
  s.key("keep", c.keep).at_least(1);
  s.key("every", c.every).at_least(0);
  s.key("initial", c.initial);
}

void declare(Section& s, DistributedConfig& c) {
  s.key("start_timeout", c.start_timeout).at_least(1).at_most(kLongestWait);
  s.key("timeout", c.timeout).at_least(1).at_most(kLongestWait);
}

void declare(Section& s, AnalysisConfig& c) {
  s.key("at_end", c.at_end);
  s.key("examples", c.examples).at_least(2);
}

void declare(Section& s, ReportConfig& c) {
  s.key("html", c.html);
  s.key("tensorboard", c.tensorboard);
}

template <typename Config>
Field& declare_section(Section& top, const std::string& name, Config& config) {
  return top.section(name, [&config](Section& s) { declare(s, config); });
}

}  // namespace

void declare(Section& top, Suite& suite) {
  top.key("name", suite.name);
  declare_section(top, "model", suite.model).required("add [model] with path = \"FOLDER\"");
  declare_section(top, "training", suite.training);
  declare_section(top, "optimizer", suite.optimizer);
  declare_section(top, "finetuning", suite.finetuning);
  declare_section(top, "schedule", suite.schedule);
  declare_section(top, "evaluation", suite.evaluation);
  declare_section(top, "mixing", suite.mixing);
  declare_section(top, "checkpoints", suite.checkpoints);
  declare_section(top, "distributed", suite.distributed);
  declare_section(top, "analysis", suite.analysis);
  declare_section(top, "report", suite.report);
  declare_tasks(top, suite.tasks);
  // For `berth sweep`; see sweep_config.h. A run has no part in it.
  top.custom("sweep", {[](const ConfigValue&) {}, [] { return std::nullopt; }, sweep_schema});
}

}  // namespace berth::suite
