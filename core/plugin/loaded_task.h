// A task of the suite with its plugin's objects: every call into the plugin goes through here, guarded.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "berth/display.h"
#include "berth/task.h"
#include "core/plugin/guard.h"
#include "core/plugin/registry.h"
#include "core/suite/suite.h"

namespace berth::plugin {

class LoadedTask {
 public:
  // Makes the task and fills its options. Throws what Registry::create and OptionBinder::fill throw.
  LoadedTask(const Registry& registry, const suite::TaskConfig& config);

  const std::string& name() const { return config_.name; }
  const suite::TaskConfig& config() const { return config_; }
  const std::string& file() const { return file_; }  // the plugin's library
  std::string owner() const;                         // "task 'sst2' (plugin classification)"
  CallSite site(const char* call) const { return {owner(), call, file_}; }

  // tokenizer: outlives this.
  void use_tokenizer(const Tokenizer& tokenizer);

  // A reader with its options filled from the set's data table.
  std::unique_ptr<DatasetReader> make_reader(const suite::DataSetConfig& set) const;
  // All files of the set as one stream, whatever they are packed in; its places are the user's files. reader: outlives
  // the stream. Throws what data::input_files() throws, and what the reader does.
  std::unique_ptr<ExampleStream> open(DatasetReader& reader, const suite::DataSetConfig& set) const;
  std::unique_ptr<Example> next(ExampleStream& stream) const;  // the stream's, guarded
  // The reader's, guarded, with its place. Throws Error kPlugin where it gives none.
  std::unique_ptr<Example> from_json(const DatasetReader& reader, std::string_view json, const Where& where) const;

  void fit(ExampleStream& train);
  std::string save_state() const;
  void load_state(const std::string& state);
  std::string label(const Example& example) const;
  std::string stratum(const Example& example) const;
  std::string group(const Example& example) const;
  std::vector<FieldSpec> fields() const;
  std::vector<Feature> features(const Example& example, const FeatureContext& context) const;
  void add_features(const Example& example, const FeatureContext& context, FeatureSink& sink) const;
  std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const;
  HeadInput input(const Head& head) const;
  std::string json(const Example& example) const;
  std::string json(const Prediction& prediction) const;
  std::unique_ptr<Prediction> decode(const Example& example, const std::vector<const FeatureResult*>& results) const;
  // The task's own where it has the ability Display, else show_plainly().
  Shown show(const Example& example, const Prediction& prediction) const;
  std::unique_ptr<Metric> make_metric() const;
  void add(Metric& metric, const Example& example, const Prediction& prediction) const;
  std::string state(const Metric& metric) const;
  void merge(Metric& metric, std::string_view state) const;
  std::vector<Score> scores(const Metric& metric) const;  // just one of them is primary
  void tune(const Metric& dev);
  std::vector<ResultFile> files(const Metric& metric) const;  // the metric's, guarded; their suffixes are checked
  ExportInfo export_info() const;

 private:
  suite::TaskConfig config_;
  std::string file_;  // the plugin's library
  std::unique_ptr<Task> task_;
};

}  // namespace berth::plugin
