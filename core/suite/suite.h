// A suite: which model, which tasks, how to train. Read once from TOML into these structs; an unknown key fails with
// file, line, column and the nearest known name. Called by the commands of the program.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/suite/config_value.h"

namespace berth::suite {

enum class Precision : std::uint8_t {
  kFloat32,
  kFloat64,
  kBFloat16,  // float32, with bfloat16 factors in the encoder's matrix products
  kAuto,      // kBFloat16 where that is faster on this machine, else kFloat32
};

// [model]
struct ModelConfig {
  std::filesystem::path path;     // a folder of the Hugging Face layout; absolute after reading
  std::int64_t max_length = 128;  // tokens a sequence; checked against the encoder's positions when it is loaded
  std::optional<double> dropout;  // in place of config.json's hidden_dropout_prob
  std::optional<double> attention_dropout;
  bool frozen_dropout = false;  // dropout in frozen layers too
  Precision precision = Precision::kFloat32;
  std::string device = "auto";  // see device::chosen()
  Where where;                  // of `path`
  Where device_where;
};

// Defaults for a purpose; what the suite writes goes before them.
enum class Preset : std::uint8_t {
  kNone,
  kFewSample,  // up to some thousand examples; see few_sample()
};

// What a loss or a gradient that is no number does to a run.
enum class NotFinite : std::uint8_t {
  kStop,
  kSkip,  // that step's update
  kBack,  // to the last checkpoint, and on with what comes next
};

// [training]
struct TrainingConfig {
  Preset preset = Preset::kNone;
  double epochs = 3;             // over the sum of all training sets; ignored where steps > 0
  std::int64_t steps = 0;        // optimizer steps
  std::int64_t batch_size = 32;  // sequences a micro-batch
  std::int64_t accumulate = 1;   // micro-batches a step
  std::int64_t seed = 42;
  bool shuffle = true;
  double clip_norm = 1.0;  // of all gradients together; 0: off
  NotFinite not_finite = NotFinite::kStop;
  std::int64_t log_every = 10;          // steps a line of metrics.jsonl
  std::int64_t threads = 0;             // 0: as many as the machine has cores
  std::int64_t cache_megabytes = 2048;  // for what frozen layers make of the sets; 0: compute it at every step
  // Of a layer, a forward pass keeps the input alone; backward computes the rest again. The results are the same.
  bool activation_checkpointing = false;
  std::filesystem::path feature_cache;  // the folder with the features of training sets; absolute after reading; "":
                                        // none
};

// Names parameters; see core/training/parameter_patterns.h.
struct Pattern {
  std::string text;
  Where where;
};

enum class DecayTarget : std::uint8_t {
  kZero,
  kPretrained,  // the encoder's weights as they were before the first step; heads decay to zero
};

// [optimizer]
struct OptimizerConfig {
  double rate = 2e-5;
  std::optional<double> head_rate;  // default: rate
  double weight_decay = 0.01;       // not on biases and LayerNorm
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double layer_decay = 1.0;  // rate of layer k of L: rate * layer_decay^(L - k); embeddings: ^(L + 1)
  DecayTarget decay_to = DecayTarget::kZero;
  std::vector<Pattern> train_only;  // empty: all. Heads learn in any case, unless a pattern names some of them
  std::vector<Pattern> freeze;      // of these
};

// What learns.
enum class Method : std::uint8_t {
  kFull,      // all, but for what [optimizer] says
  kStudy,     // embeddings and output (pooler and heads); the layers between are frozen
  kHeads,     // the heads alone
  kTop,       // the last `top_layers` layers, pooler and heads
  kBiases,    // the encoder's biases, and the heads: BitFit
  kLora,      // low-rank updates of `lora_targets`, and the heads
  kAdapters,  // a bottleneck after each layer, and the heads
};

// [finetuning]
struct FinetuningConfig {
  Method method = Method::kFull;
  std::int64_t top_layers = 2;  // of kTop
  std::int64_t lora_rank = 8;
  double lora_alpha = 16;
  std::vector<Pattern> lora_targets = {{"query", {}}, {"value", {}}};
  std::int64_t adapter_size = 64;        // of kAdapters: width of the bottleneck
  std::int64_t reinitialize_layers = 0;  // how many of the last ones, and the pooler, start from random weights
  double gradual_unfreezing = 0;         // share of all steps; 0: everything learns from the first step
  double mixout = 0;                     // probability
  double adversarial = 0;                // length of the perturbation; 0: none
  double r_drop = 0;                     // weight of its term; 0: none
  double smart = 0;                      // likewise
  double smart_radius = 0.1;             // how far a number of the embeddings may move
  double average = 0;                    // share of all steps, the last ones, whose weights are averaged; 0: none
  Where method_where, top_layers_where, reinitialize_where, unfreezing_where, mixout_where, adversarial_where,
      r_drop_where, smart_where, smart_radius_where, average_where;
};

enum class ScheduleKind : std::uint8_t { kLinear, kCosine, kConstant };

// [schedule]
struct ScheduleConfig {
  ScheduleKind kind = ScheduleKind::kLinear;
  double warmup = 0.1;                       // share of all steps
  std::optional<std::int64_t> warmup_steps;  // in place of `warmup`
};

// [evaluation]
struct EvaluationConfig {
  bool before = false;        // also before the first step
  std::int64_t every = 0;     // steps; 0: at the end of each epoch, or ten times a run where a task is streamed
  std::int64_t patience = 0;  // evaluations without improvement until training stops; 0: never
  std::int64_t batch_size = 64;
  std::string select_by = "mean";  // what the best checkpoint is chosen by: "mean" of the tasks' primary scores, "each"
                                   // (every task has its own best), or a task's name
  Where select_by_where;
};

// Which task the next step trains.
enum class MixingKind : std::uint8_t {
  kProportional,  // every example of every task once an epoch
  kUniform,       // each task as often as any other
  kTemperature,   // in proportion to size^(1 / temperature)
  kRoundRobin,    // in turn
  kSequential,    // one after another
  kPhases,        // as `phases` say
};

enum class StepKind : std::uint8_t {
  kOneTask,   // a step trains one task
  kAllTasks,  // a step has a batch of every task; their gradients are added
};

enum class WeightKind : std::uint8_t {
  kFixed,        // [tasks.NAME] weight
  kUncertainty,  // learned: Kendall, Gal & Cipolla 2018
};

// [mixing]
struct MixingConfig {
  struct Phase {
    std::int64_t steps = 0;                // 0: to the end, of the last phase
    std::map<std::string, double> shares;  // by task; tasks that are not named have none
    Where where;
  };

  MixingKind kind = MixingKind::kProportional;
  StepKind step = StepKind::kOneTask;  // after reading: kAllTasks where `surgery` is set
  WeightKind weights = WeightKind::kFixed;
  bool surgery = false;  // PCGrad (Yu et al. 2020)
  double temperature = 2;
  std::optional<double> final_temperature;  // reached in a straight line at the last step
  std::vector<Phase> phases;
  double weight_rate = 1e-3;                 // of learned weights
  std::optional<std::int64_t> cosine_every;  // steps between measurements of the angle between the tasks' gradients; 0:
                                             // never; default: ten times a run
  Where kind_where, step_where, phases_where, temperature_where;  // without a file: not written in the suite
};

// [checkpoints]
struct CheckpointConfig {
  std::int64_t keep = 1;   // newest ones kept, besides the best
  std::int64_t every = 0;  // steps between those that are written besides the ones at evaluations; 0: none
  bool initial = false;    // also one before the first step
};

// [distributed]: where several processes train together
struct DistributedConfig {
  double start_timeout = 300;  // seconds that they wait for each other at the start
  double timeout = 1800;       // seconds that one may let the others wait later on
};

// [analysis]
struct AnalysisConfig {
  bool at_end = true;           // of a run, after its scores
  std::int64_t examples = 100;  // of each set that are looked at
};

// [report]
struct ReportConfig {
  bool html = true;          // report.html at the end of a run
  bool tensorboard = false;  // an event file beside metrics.jsonl
};

// A file to read: `train`, `dev` or one of [tasks.NAME.sets], written as a path or as {path = ..., data = {...}}.
// `data` is the task's [data] with this set's own on top, key by key.
struct DataSetConfig {
  std::string name;            // "train", "dev", or the set's
  std::filesystem::path path;  // absolute after reading
  ConfigTable data;
  Where where;
};

// How a task is kept from learning what a bias gives away, or from failing a group of its examples.
enum class DebiasMethod : std::uint8_t {
  kNone,
  kProductOfExperts,
  kLearnedMixin,
  kReweighting,
  kConfidenceRegularization,
  kGroupDro,
  kBalanced,  // every group as often as any other; the loss stays what it is
};

// What the biased model sees of an example; see core/debias/bias_design.h.
enum class BiasKind : std::uint8_t {
  kOverlap,     // how much of the second text stands in the first
  kSecondText,  // the words of the second text alone
  kEmbeddings,  // the mean of each text's pre-trained word embeddings
};

// [tasks.NAME.debias]
struct DebiasConfig {
  DebiasMethod method = DebiasMethod::kNone;
  BiasKind bias = BiasKind::kOverlap;
  std::int64_t folds = 5;         // of the biased model
  double entropy = 0.03;          // of kLearnedMixin: weight of the penalty
  std::filesystem::path teacher;  // of kConfidenceRegularization: the folder of a plain run; absolute after reading
  std::string group;              // column of the data; "": none
  bool by_label = true;           // groups are split by label (Task::label) too
  double step_size = 0.01;        // of kGroupDro's weights
  double adjustment = 0;          // of kGroupDro: C of C / sqrt(size)
  Where method_where, teacher_where;

  bool has_groups() const {
    return !group.empty() || method == DebiasMethod::kGroupDro || method == DebiasMethod::kBalanced;
  }
  // Whether a biased model is trained.
  bool has_bias() const {
    return method != DebiasMethod::kNone && method != DebiasMethod::kGroupDro && method != DebiasMethod::kBalanced;
  }
};

// [tasks.NAME]
struct TaskConfig {
  std::string name;  // [A-Za-z0-9_-]+
  std::string plugin;
  Where plugin_where;
  std::optional<DataSetConfig> train;
  std::optional<DataSetConfig> dev;
  double split = 0;                      // share of train that becomes dev where no dev file is given
  bool stream = false;                   // train is read from its file all along, and never held in memory
  std::int64_t shuffle_buffer = 10'000;  // examples of a streamed one that are held to draw from
  double weight = 1.0;                   // of the task's loss
  std::optional<double> head_rate;
  std::optional<double> head_warmup;  // share of all steps, of the head alone; default: the schedule's
  std::vector<DataSetConfig> sets;    // evaluated at the end with the best checkpoint
  ConfigTable data;                   // how files are read, where a set says nothing else
  ConfigTable options;
  DebiasConfig debias;
  Where where, stream_where;
};

struct Suite {
  std::string name;  // default: the file's stem
  std::filesystem::path file;
  ModelConfig model;
  TrainingConfig training;
  OptimizerConfig optimizer;
  FinetuningConfig finetuning;
  ScheduleConfig schedule;
  EvaluationConfig evaluation;
  MixingConfig mixing;
  CheckpointConfig checkpoints;
  DistributedConfig distributed;
  AnalysisConfig analysis;
  ReportConfig report;
  std::vector<TaskConfig> tasks;  // in the order of the file
};

// sets: "key.path=value" (value as in TOML; a bare word is a string). Relative paths are relative to the suite's
// folder, in `sets` too; "${NAME}" in a path is the environment's, "$${" stands for "${". Whether the paths exist is
// not looked at. Throws Error kConfig; kIo where a suite can't be read (a missing suite is kConfig).
Suite read_suite(const std::filesystem::path& file, const std::vector<std::string>& sets);

// The suite as resolved, every key written out, as TOML that read_suite() takes.
std::string to_toml(const Suite& suite);

}  // namespace berth::suite
