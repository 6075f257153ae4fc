#include "core/suite/declarations.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/suite/option_binder.h"
#include "core/suite/resolve_path.h"
#include "core/suite/sweep_config.h"
#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

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

void declare(Section& s, AnalysisConfig& c) {
  s.key("at_end", c.at_end);
  s.key("examples", c.examples).at_least(2);
}

void declare(Section& s, ReportConfig& c) {
  s.key("html", c.html);
  s.key("tensorboard", c.tensorboard);
}

constexpr std::size_t kLongestName = 100;

// What check_name() takes: each such name is a key of a table with this schema.
Json named_tables_schema(Json each) {
  return {{"type", "object"},
          {"patternProperties", {{fmt::format("^[A-Za-z0-9_-]{{1,{}}}$", kLongestName), std::move(each)}}},
          {"additionalProperties", false}};
}

// Names become parts of file names, which may have 255 bytes, and of TOML headers.
void check_name(const std::string& name, const std::string& what, const Where& where) {
  const bool is_good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  if (is_good && name.size() <= kLongestName) return;
  throw Error(ErrorKind::kConfig, where,
              fmt::format("{} can't be called {}; use only A-Z, a-z, 0-9, '_' and '-', {} of them at most", what,
                          to_toml(name), kLongestName));
}

void declare(Section& s, DataSetConfig& c) {
  s.path("path", c.path).required("write path = \"FILE\"").at(c.where);
  s.raw("data", c.data);
}

// A path, or a table with a path and how to read it.
DataSetConfig read_set(const std::string& name, const ConfigValue& value, Section section) {
  DataSetConfig set;
  set.name = name;
  set.where = value.where;
  declare(section, set);
  if (std::holds_alternative<std::string>(value.value)) {
    section.fill(ConfigTable{{{"path", value, value.where}}, value.where});
  } else if (std::holds_alternative<ConfigTable>(value.value)) {
    section.fill(value);
  } else {
    throw Error(ErrorKind::kConfig, value.where,
                fmt::format("{} must be a path or a table with 'path', but is {}", section.owner(), type_name(value)));
  }
  return set;
}

std::string write_set(const DataSetConfig& set, Section section) {
  auto copy = set;
  declare(section, copy);
  return section.to_toml();
}

Json set_schema(Section section) {
  DataSetConfig set;
  declare(section, set);
  return {{"anyOf", {path_schema(), section.schema()}}};
}

void declare_set(Section& s, const std::string& name, std::optional<DataSetConfig>& set) {
  const auto section = s.child(name);
  const auto write = [&set, section]() -> std::optional<std::string> {
    return set ? std::optional(write_set(*set, section)) : std::nullopt;
  };
  s.tables(name, {[&set, name, section](const ConfigValue& value) { set = read_set(name, value, section); }, write,
                  [section] { return set_schema(section); }});
}

void declare_sets(Section& s, std::vector<DataSetConfig>& sets) {
  const auto inner = s.child("sets");
  const auto read = [&sets, inner](const ConfigValue& value) {
    sets.clear();
    for (const auto& entry : expect_table(value, inner.owner()).entries) {
      check_name(entry.key, "a set", entry.where);
      if (entry.key == "train" || entry.key == "dev") {
        throw Error(ErrorKind::kConfig, entry.where,
                    fmt::format("{}: a set can't be called '{}', which the task has already; give it another name",
                                inner.owner(), entry.key));
      }
      sets.push_back(read_set(entry.key, entry.value, inner.child(entry.key)));
    }
  };
  const auto write = [&sets, inner] {
    std::string text;
    for (const auto& set : sets) text += write_set(set, inner.child(set.name));
    return text;
  };
  const auto schema = [inner] {
    auto tables = named_tables_schema(set_schema(inner));
    tables["properties"] = {{"train", false}, {"dev", false}};
    return tables;
  };
  s.tables("sets", {read, write, schema});
}

// Not written where there is none.
void declare_teacher(Section& s, DebiasConfig& c) {
  const auto read = [&c, inner = s](const ConfigValue& value) {
    auto path = inner;
    path.path("teacher", c.teacher);
    path.fill(ConfigTable{{{"teacher", value, value.where}}, value.where});
  };
  s.custom("teacher", {read,
                       [&c]() -> std::optional<std::string> {
                         if (c.teacher.empty()) return std::nullopt;
                         return path_to_toml(c.teacher);
                       },
                       path_schema})
      .at(c.teacher_where);
}

void declare(Section& s, DebiasConfig& c) {
  s.choice("method", c.method,
           {{"none", DebiasMethod::kNone},
            {"product_of_experts", DebiasMethod::kProductOfExperts},
            {"learned_mixin", DebiasMethod::kLearnedMixin},
            {"reweighting", DebiasMethod::kReweighting},
            {"confidence_regularization", DebiasMethod::kConfidenceRegularization},
            {"group_dro", DebiasMethod::kGroupDro},
            {"balanced", DebiasMethod::kBalanced}})
      .at(c.method_where);
  s.choice(
      "bias", c.bias,
      {{"overlap", BiasKind::kOverlap}, {"second_text", BiasKind::kSecondText}, {"embeddings", BiasKind::kEmbeddings}});
  s.key("folds", c.folds).at_least(2);
  s.key("entropy", c.entropy).at_least(0);
  declare_teacher(s, c);
  s.key("group", c.group);
  s.key("by_label", c.by_label);
  s.key("step_size", c.step_size).above(0);
  s.key("adjustment", c.adjustment).at_least(0);
}

void declare(Section& s, TaskConfig& c, Where& split_where) {
  s.key("plugin", c.plugin).required("write plugin = \"NAME\"; 'berth plugins' lists the names").at(c.plugin_where);
  s.key("split", c.split).at_least(0).below(1).at(split_where);
  s.key("weight", c.weight).above(0);
  s.key("head_rate", c.head_rate).above(0);
  s.key("head_warmup", c.head_warmup).at_least(0).at_most(1);
  declare_set(s, "train", c.train);
  declare_set(s, "dev", c.dev);
  s.raw("data", c.data);
  s.raw("options", c.options);
  s.section("debias", [&c](Section& inner) { declare(inner, c.debias); });
  declare_sets(s, c.sets);
}

void lay_over(const ConfigTable& task_data, DataSetConfig& set) {
  auto data = task_data;
  if (!set.data.where.file.empty()) data.where = set.data.where;
  if (data.where.file.empty()) data.where = set.where;
  for (const auto& own : set.data.entries) {
    auto same = std::find_if(data.entries.begin(), data.entries.end(), [&](const auto& e) { return e.key == own.key; });
    if (same == data.entries.end()) {
      data.entries.push_back(own);
    } else {
      *same = own;
    }
  }
  set.data = std::move(data);
}

void check_task(const TaskConfig& c, const Where& split_where, const std::string& owner) {
  if (c.plugin.empty()) {
    throw Error(ErrorKind::kConfig, c.plugin_where, owner + ": 'plugin' is empty; 'berth plugins' lists the names");
  }
  if (c.dev && c.split > 0) {
    throw Error(ErrorKind::kConfig, split_where,
                owner + ": there are both 'dev' and 'split', two ways to get a dev set; take one of them away");
  }
  if (c.split > 0 && !c.train) {
    throw Error(ErrorKind::kConfig, split_where,
                owner + ": 'split' needs 'train' to take its share from; add train = \"FILE\"");
  }
  if (!c.train && !c.dev && c.sets.empty()) {
    throw Error(ErrorKind::kConfig, c.where, owner + ": the task has no file to read; add train = \"FILE\"");
  }
}

TaskConfig read_task(const ConfigEntry& entry, Section section) {
  TaskConfig task;
  Where split_where;
  task.name = entry.key;
  task.where = entry.value.where;
  task.options.where = entry.value.where;
  declare(section, task, split_where);
  section.fill(entry.value);
  check_task(task, split_where, section.owner());
  if (task.train) lay_over(task.data, *task.train);
  if (task.dev) lay_over(task.data, *task.dev);
  for (auto& set : task.sets) lay_over(task.data, set);
  return task;
}

// "--set" makes tables that don't exist, so that a mistyped task looks like a new one without a plugin.
void check_made_by_set(const ConfigEntry& entry, const ConfigTable& tasks) {
  const auto* table = std::get_if<ConfigTable>(&entry.value.value);
  const bool is_made_by_set = entry.where.file.rfind("--set ", 0) == 0;
  if (!is_made_by_set || table == nullptr || table->find("plugin") != nullptr) return;
  std::vector<std::string> others;
  for (const auto& other : tasks.entries) {
    if (other.key != entry.key) others.push_back(other.key);
  }
  const auto nearest = nearest_name(entry.key, others);
  if (nearest.empty()) return;
  throw Error(ErrorKind::kConfig, entry.where,
              fmt::format("the suite has no task '{}'; did you mean '{}'?", entry.key, nearest));
}

void declare_tasks(Section& top, std::vector<TaskConfig>& tasks) {
  const auto inner = top.child("tasks");
  const auto read = [&tasks, inner](const ConfigValue& value) {
    const auto& table = expect_table(value, inner.owner());
    if (table.entries.empty()) {
      throw Error(ErrorKind::kConfig, value.where, "the suite has no tasks; add [tasks.NAME] with plugin and train");
    }
    tasks.clear();
    for (const auto& entry : table.entries) {
      check_name(entry.key, "a task", entry.where);
      check_made_by_set(entry, table);
      tasks.push_back(read_task(entry, inner.child(entry.key)));
    }
  };
  const auto write = [&tasks, inner] {
    std::string text;
    for (auto& task : tasks) {
      Where split_where;
      auto section = inner.child(task.name);
      declare(section, task, split_where);
      text += section.to_toml();
    }
    return text;
  };
  const auto schema = [inner] {
    TaskConfig task;
    Where split_where;
    auto section = inner;
    declare(section, task, split_where);
    auto tables = named_tables_schema(section.schema());
    tables["minProperties"] = 1;
    return tables;
  };
  top.tables("tasks", {read, write, schema}).required("add [tasks.NAME] with plugin and train");
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
  declare_section(top, "analysis", suite.analysis);
  declare_section(top, "report", suite.report);
  declare_tasks(top, suite.tasks);
  // For `berth sweep`; see sweep_config.h. A run has no part in it.
  top.custom("sweep", {[](const ConfigValue&) {}, [] { return std::nullopt; }, sweep_schema});
}

}  // namespace berth::suite
