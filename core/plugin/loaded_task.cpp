#include "core/plugin/loaded_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "berth/head.h"
#include "core/data/input_files.h"
#include "core/data/input_stream.h"
#include "core/plugin/plain_display.h"
#include "core/suite/option_binder.h"

namespace berth::plugin {
namespace {

class CollectingSink final : public FeatureSink {
 public:
  void add(Feature feature) override { features.push_back(std::move(feature)); }

  std::vector<Feature> features;
};

}  // namespace

LoadedTask::LoadedTask(const Registry& registry, const suite::TaskConfig& config)
    : config_(config),
      file_(registry.file_of(config.plugin)),
      task_(registry.create(config.plugin, config.plugin_where)) {
  suite::OptionBinder binder;
  guarded(site("describe"), [&] { task_->describe(binder); });
  binder.fill(config_.options, owner() + ", options");
}

std::string LoadedTask::owner() const { return fmt::format("task '{}' (plugin {})", config_.name, config_.plugin); }

void LoadedTask::use_tokenizer(const Tokenizer& tokenizer) {
  guarded(site("use_tokenizer"), [&] { task_->use_tokenizer(tokenizer); });
}

std::unique_ptr<DatasetReader> LoadedTask::make_reader(const suite::DataSetConfig& set) const {
  auto reader = guarded(site("make_reader"), [&] { return task_->make_reader(); });
  if (!reader) throw Error(ErrorKind::kPlugin, owner() + ", make_reader: returned no reader");
  suite::OptionBinder binder;
  guarded(site("describe of the reader"), [&] { reader->describe(binder); });
  binder.fill(set.data, fmt::format("{}, data of '{}'", owner(), set.name));
  return reader;
}

std::unique_ptr<ExampleStream> LoadedTask::open(DatasetReader& reader, const suite::DataSetConfig& set) const {
  auto files = data::input_files(set.path);
  const bool is_plain = files.size() == 1 && files.front().name == files.front().path;
  auto stream = guarded(site("open"), [&]() -> std::unique_ptr<ExampleStream> {
    if (is_plain) return reader.open(files.front().path.string());
    return std::make_unique<data::InputStream>(reader, std::move(files));
  });
  if (!stream) throw Error(ErrorKind::kPlugin, owner() + ", open: returned no stream");
  return stream;
}

std::unique_ptr<Example> LoadedTask::next(ExampleStream& stream) const {
  return guarded(site("next"), [&] { return stream.next(); });
}

std::unique_ptr<Example> LoadedTask::from_json(const DatasetReader& reader, std::string_view json,
                                               const Where& where) const {
  auto example = guarded(site("from_json"), [&] { return reader.from_json(json, where); });
  if (!example) throw Error(ErrorKind::kPlugin, where, owner() + ", from_json: gave no example");
  example->where = where;
  return example;
}

void LoadedTask::fit(ExampleStream& train) {
  guarded(site("fit"), [&] { task_->fit(train); });
}

std::string LoadedTask::save_state() const {
  return guarded(site("save_state"), [&] { return task_->save_state(); });
}

void LoadedTask::load_state(const std::string& state) {
  guarded(site("load_state"), [&] { task_->load_state(state); });
}

std::string LoadedTask::label(const Example& example) const {
  return guarded(site("label"), [&] { return task_->label(example); });
}

std::string LoadedTask::stratum(const Example& example) const {
  return guarded(site("stratum"), [&] { return task_->stratum(example); });
}

std::string LoadedTask::group(const Example& example) const {
  return guarded(site("group"), [&] { return task_->group(example); });
}

std::vector<FieldSpec> LoadedTask::fields() const {
  return guarded(site("fields"), [&] { return task_->fields(); });
}

std::vector<Feature> LoadedTask::features(const Example& example, const FeatureContext& context) const {
  CollectingSink sink;
  add_features(example, context, sink);
  if (sink.features.empty()) {
    throw Error(ErrorKind::kPlugin, example.where,
                owner() + ", features: none for this example; every example needs at least one");
  }
  return std::move(sink.features);
}

void LoadedTask::add_features(const Example& example, const FeatureContext& context, FeatureSink& sink) const {
  try {
    guarded(site("features"), [&] { task_->features(example, context, sink); });
  } catch (const Error& e) {
    if (e.where() != nullptr) throw;
    throw Error(e.kind(), example.where, e.what());  // the tokenizer's own, say, who knows nothing of files
  }
}

std::shared_ptr<Head> LoadedTask::make_head(const EncoderInfo& encoder) const {
  auto head = guarded(site("make_head"), [&] { return task_->make_head(encoder); });
  if (!head) throw Error(ErrorKind::kPlugin, owner() + ", make_head: returned no head");
  return head;
}

HeadInput LoadedTask::input(const Head& head) const {
  return guarded(site("input of the head"), [&] { return head.input(); });
}

std::string LoadedTask::json(const Example& example) const {
  return guarded(site("json of the example"), [&] { return example.json(); });
}

std::string LoadedTask::json(const Prediction& prediction) const {
  return guarded(site("json of the prediction"), [&] { return prediction.json(); });
}

std::unique_ptr<Prediction> LoadedTask::decode(const Example& example,
                                               const std::vector<const FeatureResult*>& results) const {
  auto prediction = guarded(site("decode"), [&] { return task_->decode(example, results); });
  if (!prediction) throw Error(ErrorKind::kPlugin, example.where, owner() + ", decode: returned no prediction");
  return prediction;
}

Shown LoadedTask::show(const Example& example, const Prediction& prediction) const {
  if (const auto* display = dynamic_cast<const Display*>(task_.get())) {
    return guarded(site("show"), [&] { return display->show(example, prediction); });
  }
  return show_plainly({json(example), json(prediction), label(example)});
}

std::unique_ptr<Metric> LoadedTask::make_metric() const {
  auto metric = guarded(site("make_metric"), [&] { return task_->make_metric(); });
  if (!metric) throw Error(ErrorKind::kPlugin, owner() + ", make_metric: returned no metric");
  return metric;
}

void LoadedTask::add(Metric& metric, const Example& example, const Prediction& prediction) const {
  guarded(site("metric"), [&] { metric.add(example, prediction); });
}

std::string LoadedTask::state(const Metric& metric) const {
  return guarded(site("metric"), [&] { return metric.state(); });
}

void LoadedTask::merge(Metric& metric, std::string_view state) const {
  guarded(site("metric"), [&] { metric.merge(state); });
}

std::vector<Score> LoadedTask::scores(const Metric& metric) const {
  auto scores = guarded(site("metric"), [&] { return metric.result(); });
  const auto primaries = std::count_if(scores.begin(), scores.end(), [](const Score& s) { return s.is_primary; });
  if (primaries == 1) return scores;
  throw Error(ErrorKind::kPlugin,
              fmt::format("{}, metric: {} of its scores are primary, expected exactly one", owner(), primaries));
}

void LoadedTask::tune(const Metric& dev) {
  guarded(site("tune"), [&] { task_->tune(dev); });
}

std::vector<ResultFile> LoadedTask::files(const Metric& metric) const {
  auto files = guarded(site("files of the metric"), [&] { return metric.files(); });
  for (const auto& file : files) {
    const bool is_good = !file.suffix.empty() && file.suffix != "jsonl" && file.suffix != "shown.json" &&
                         file.suffix.front() != '.' && std::all_of(file.suffix.begin(), file.suffix.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
                         });
    if (is_good) continue;
    throw Error(ErrorKind::kPlugin,
                fmt::format("{}, files of the metric: the suffix '{}' is not made of a-z, 0-9, '_', '.' and '-'",
                            owner(), file.suffix));
  }
  return files;
}

ExportInfo LoadedTask::export_info() const {
  return guarded(site("export_info"), [&] { return task_->export_info(); });
}

}  // namespace berth::plugin
