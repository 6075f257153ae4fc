#include "core/training/session.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/checkpoint/manifest.h"
#include "core/checkpoint/run_checkpoint.h"
#include "core/checkpoint/safetensors.h"
#include "core/device/device.h"
#include "core/finetuning/reinitialize.h"
#include "core/plugin/head_tensors.h"
#include "core/suite/option_binder.h"
#include "core/text/load_tokenizer.h"
#include "core/training/random.h"

namespace berth::training {
namespace {

at::ScalarType dtype_of(const suite::ModelConfig& config) {
  return config.precision == suite::Precision::kFloat64 ? at::kDouble : at::kFloat;
}

model::EncoderOptions encoder_options(const suite::Suite& suite) {
  model::EncoderOptions options;
  options.dtype = dtype_of(suite.model);
  if (suite.model.precision == suite::Precision::kBFloat16) options.products = model::Products::kBFloat16;
  options.dropout = suite.model.dropout;
  options.attention_dropout = suite.model.attention_dropout;
  options.frozen_dropout = suite.model.frozen_dropout;
  options.activation_checkpointing = suite.training.activation_checkpointing;
  if (suite.finetuning.method == suite::Method::kAdapters) options.adapter_size = suite.finetuning.adapter_size;
  options.seed = stream_seed(suite.training.seed, "initialise encoder");
  return options;
}

// A smaller gain is not worth the coarser numbers.
constexpr double kLeastGain = 1.2;

// Examples of a streamed training set whose features are made before a run starts, so that most of what can be wrong
// with all of them shows then.
constexpr std::int64_t kFirstOfStream = 64;

// What "auto" is on this device.
suite::Precision decided(suite::Precision precision, at::Device device) {
  if (precision != suite::Precision::kAuto) return precision;
  return model::bfloat16_gain(device) >= kLeastGain ? suite::Precision::kBFloat16 : suite::Precision::kFloat32;
}

// The encoder and tokenizer of a model folder; no tasks yet.
Session load_model(suite::Suite suite, const std::filesystem::path& folder, at::Device device) {
  suite.model.precision = decided(suite.model.precision, device);
  auto loaded = checkpoint::load_encoder(folder, encoder_options(suite));
  auto tokenizer = text::load_tokenizer(folder);
  const auto& config = loaded.encoder.config();
  if (suite.model.max_length > config.max_position_embeddings) {
    throw Error(ErrorKind::kConfig, suite.model.where,
                fmt::format("model.max_length is {}, but the model has positions for {} tokens; set it to {} or less",
                            suite.model.max_length, config.max_position_embeddings, config.max_position_embeddings));
  }
  if (tokenizer->vocabulary_size() > config.vocab_size) {
    throw Error(ErrorKind::kContent, {folder.string()},
                fmt::format("the tokenizer has {} tokens but config.json's vocab_size is {}; the files do not belong "
                            "together",
                            tokenizer->vocabulary_size(), config.vocab_size));
  }
  loaded.encoder.move_to(device);
  return {suite, std::move(tokenizer), std::move(loaded.encoder), std::move(loaded.report), {}};
}

EncoderInfo encoder_info(const model::Encoder& encoder) {
  const auto& config = encoder.config();
  return {config.hidden_size,
          config.num_hidden_layers,
          config.vocab_size,
          config.max_position_embeddings,
          encoder.options().dropout.value_or(config.hidden_dropout_prob),
          config.initializer_range,
          encoder.word_embeddings()};
}

void make_gate(const Session& session, TaskSession& task) {
  if (task.task.config().debias.method != suite::DebiasMethod::kLearnedMixin) return;
  const auto& config = session.encoder.config();
  const auto seed = stream_seed(session.suite.training.seed, "initialise gate", {hash_name(task.task.name())});
  task.gate.emplace(config.hidden_size, config.initializer_range, seed, session.encoder.reals());
}

// The head's values from a checkpoint's folder.
void read_head(TaskSession& task, const std::filesystem::path& folder) {
  const auto file = checkpoint::head_file(folder, task.task.name());
  plugin::load_head(*task.head, checkpoint::read_safetensors(file), file.string());
}

// What needs more of a task's training set than its features; "": nothing.
std::string why_not_cached(const suite::TaskConfig& config) {
  if (config.stream) return "it is streamed";
  if (config.split > 0) return "'split' draws from all of its examples";
  if (config.debias.has_groups()) return "groups are made of all of its examples";
  return "";
}

// The training set, and the dev set where it is split off.
void read_and_fit(const Session& session, TaskSession& task) {
  const auto& config = task.task.config();
  auto split = read_train(session, task.task, kFirstOfStream);
  data::fit(task.task, *config.train, split.is_dev);

  const auto options = session.feature_options();
  const bool has_groups = config.debias.has_groups() && !config.stream;
  if (has_groups) task.groups = debias::groups_of(task.task, split.train);
  task.train = data::make_task_data(task.task, "train", std::move(split.train), data::Keep::kFeatures, options);
  if (has_groups) task.groups = debias::of_features(std::move(task.groups), task.train->first_feature.all());
  if (config.split > 0) {
    task.sets.push_back(data::make_task_data(task.task, "dev", std::move(split.dev), data::Keep::kExamples, options));
  }
}

TaskSession start_task(const Session& session, const plugin::Registry& registry, const suite::TaskConfig& config) {
  TaskSession task{plugin::LoadedTask(registry, config), nullptr, {}, {}, {}, {}, {}};
  task.task.use_tokenizer(*session.tokenizer);
  const auto& folder = session.suite.training.feature_cache;
  const auto why = why_not_cached(config);
  if (!folder.empty() && why.empty() && config.train) {
    auto cached = data::cached_set(task.task, session.feature_options(), {folder, session.suite.model.path});
    task.train = std::move(cached.data);
    task.cache = std::move(cached.use);
  } else {
    read_and_fit(session, task);
    if (!folder.empty()) task.cache = data::CacheUse{data::CacheUse::How::kNone, why};
  }
  for (const auto& set : set_files(config)) task.sets.push_back(read_set(session, task, set));
  task.head = make_head(session, task.task);
  make_gate(session, task);
  return task;
}

// Throws Error kConfig for more layers than there are.
void start_anew(model::Encoder& encoder, const suite::FinetuningConfig& config) {
  const auto layers = config.reinitialize_layers;
  if (layers == 0) return;
  const auto all = encoder.config().num_hidden_layers;
  if (layers > all) {
    throw Error(ErrorKind::kConfig, config.reinitialize_where,
                fmt::format("finetuning.reinitialize_layers is {}, but the model has {} layers", layers, all));
  }
  finetuning::reinitialize(encoder, layers);
}

}  // namespace

data::FeatureOptions Session::feature_options() const { return {*tokenizer, suite.model.max_length, encoder.reals()}; }

evaluation::EvaluationOptions Session::evaluation_options() const {
  return {suite.evaluation.batch_size, stream_seed(suite.training.seed, "predict")};
}

TaskSession& Session::find(const std::string& name) {
  std::vector<std::string> known;
  for (auto& task : tasks) {
    if (task.task.name() == name) return task;
    known.push_back(task.task.name());
  }
  const auto nearest = suite::nearest_name(name, known);
  throw Error(ErrorKind::kConfig, fmt::format("no task '{}' in this run{}; its tasks: {}", name,
                                              nearest.empty() ? "" : fmt::format(" (did you mean '{}'?)", nearest),
                                              fmt::join(known, ", ")));
}

Session start_session(const suite::Suite& suite, const plugin::Registry& registry) {
  auto resolved = suite;
  resolved.model.path = checkpoint::model_folder(suite.model.path);
  Session session =
      load_model(resolved, resolved.model.path, device::chosen(suite.model.device, suite.model.device_where));
  start_anew(session.encoder, suite.finetuning);
  for (const auto& config : suite.tasks) session.tasks.push_back(start_task(session, registry, config));
  return session;
}

Session open_session(const suite::Suite& suite, const plugin::Registry& registry, const std::filesystem::path& folder,
                     const std::string& only) {
  checkpoint::verify(folder, checkpoint::Part::kModel);
  Session session = load_model(suite, checkpoint::encoder_folder(folder), device::nearest(suite.model.device));
  for (const auto& config : suite.tasks) {
    if (!only.empty() && config.name != only) continue;
    TaskSession task{plugin::LoadedTask(registry, config), nullptr, {}, {}, {}, {}, {}};
    task.task.use_tokenizer(*session.tokenizer);
    task.task.load_state(checkpoint::read_task_state(folder, config.name));
    task.head = make_head(session, task.task);
    read_head(task, folder);
    session.tasks.push_back(std::move(task));
  }
  return session;
}

model::Encoder starting_encoder(const suite::Suite& suite) {
  auto loaded = checkpoint::load_encoder(checkpoint::model_folder(suite.model.path), encoder_options(suite));
  start_anew(loaded.encoder, suite.finetuning);
  loaded.encoder.move_to(device::nearest(suite.model.device));
  return std::move(loaded.encoder);
}

std::shared_ptr<Head> make_head(const Session& session, const plugin::LoadedTask& task) {
  seed_libtorch(stream_seed(session.suite.training.seed, "initialise head", {hash_name(task.name())}));
  auto head = task.make_head(encoder_info(session.encoder));
  plugin::convert(*head, session.encoder.reals());
  return head;
}

void restore(Session& session, const std::filesystem::path& folder) {
  checkpoint::verify(folder, checkpoint::Part::kModel);
  const auto read = checkpoint::load_encoder(checkpoint::encoder_folder(folder), encoder_options(session.suite));
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < read.encoder.parameters().size(); ++i) {
    session.encoder.parameters()[i].tensor.copy_(read.encoder.parameters()[i].tensor);
  }
  for (auto& task : session.tasks) {
    task.task.load_state(checkpoint::read_task_state(folder, task.task.name()));
    read_head(task, folder);
  }
}

data::Split read_train(const Session& session, const plugin::LoadedTask& task, std::int64_t most_of_stream) {
  const auto& config = task.config();
  if (!config.train) {
    throw Error(ErrorKind::kConfig, config.where,
                fmt::format("tasks.{} has no training set; add train = \"FILE\"", config.name));
  }
  if (config.stream) return {data::read_examples(task, *config.train, most_of_stream), {}, {}};
  auto examples = data::read_examples(task, *config.train);
  if (config.split == 0) return {std::move(examples), {}, {}};
  return data::split_examples(task, std::move(examples), config.split,
                              static_cast<std::uint64_t>(session.suite.training.seed));
}

data::TaskData read_set(const Session& session, const TaskSession& task, const suite::DataSetConfig& set) {
  return data::make_task_data(task.task, set.name, data::read_examples(task.task, set), data::Keep::kExamples,
                              session.feature_options());
}

std::vector<suite::DataSetConfig> set_files(const suite::TaskConfig& config) {
  std::vector<suite::DataSetConfig> files;
  if (config.dev) files.push_back(*config.dev);
  files.insert(files.end(), config.sets.begin(), config.sets.end());
  return files;
}

}  // namespace berth::training
