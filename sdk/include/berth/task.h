// The interface that a plugin implements. The host asks, the task answers; it never drives.
//
// The order of calls:
//   describe()  ->  make_reader(), and the reader's describe() and open(): at any time from here on; `berth plugins`
//   asks with all options at their defaults
//   ->  use_tokenizer()  ->  label(), stratum(), group()
//   ->  fit() on one process, load_state(save_state()) on others and after training. load_state() may come again at any
//       time, after fit() too, and replaces all that was learned; the state may be one of an older version, or any
//       bytes
//   ->  fields(), make_head()  ->  features() for each example  ->  the head's calls
//   ->  decode(), make_metric() in evaluation  ->  tune()
//
// Threads: const calls of Task, DatasetReader, Example, Prediction and Tokenizer come from several threads at once; a
// call that is not const comes alone. A stream, a metric, a head is used by one thread at a time, not always the same.
// Lifetimes: the tokenizer outlives the task, the task all that it made, a reader its streams.
// Errors: a task throws Error (berth/error.h); what the host's own objects throw (stream, sink, tokenizer, batch) has
// to pass through it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "berth/batch.h"
#include "berth/dataset.h"
#include "berth/metric.h"
#include "berth/options.h"
#include "berth/tokenizer.h"
#include "berth/version.h"

namespace berth {
inline namespace v1 {

class Head;  // berth/head.h, which brings in torch/nn/module.h: only the file that makes heads needs it
struct EncoderInfo;

// What the host knows and a task needs to make features.
struct FeatureContext {
  const Tokenizer& tokenizer;
  std::int64_t max_length = 512;    // tokens a sequence, special ones included; up to 2^31 - 1 where none is to be cut
  const Additions* more = nullptr;  // valid during the call
};

// One feature of an example with the head's outputs for it, as decode() gets it.
class BERTH_VISIBLE FeatureResult {
 public:
  virtual ~FeatureResult() = default;

  virtual const Feature& feature() const = 0;
  virtual at::Tensor sequence(std::string_view output) const = 0;  // the row of an output that has B rows
  virtual at::Tensor tokens(std::string_view output) const = 0;    // [length, ...] of an output that has N rows
  virtual at::Tensor whole(std::string_view output) const = 0;     // the output as predict() gave it, of any shape
  // All throw Error kPlugin for an output that predict() did not give, or that has not as many rows.
};

// How transformers names this task's model, for `berth export`.
struct ExportInfo {
  std::string architecture;  // e.g. "BertForSequenceClassification"; "" where transformers has no such class
  std::string config_json;   // an object merged into config.json: id2label, problem_type...
  // The head's parameter names and their names in the architecture: {"output.weight", "classifier.weight"}.
  std::vector<std::pair<std::string, std::string>> parameters;
  bool has_pooler = false;
};

class BERTH_VISIBLE Task {
 public:
  virtual ~Task() = default;

  // Declares the options of `[tasks.NAME.options]`, bound to members of the task.
  virtual void describe(Options& options) { (void)options; }

  // The tokenizer that features() will get, for tasks whose answers are made of its tokens: decode() needs it then, and
  // make_head() its special ids. It outlives the task.
  virtual void use_tokenizer(const Tokenizer& tokenizer) { (void)tokenizer; }

  virtual std::unique_ptr<DatasetReader> make_reader() const = 0;

  // Learns what must be known before the head is made: label names, a target vocabulary. Called once, on the training
  // set, anew for each task that is made. What it learned is the task's state, kept with every checkpoint, so that
  // predicting needs no training file.
  virtual void fit(ExampleStream& train) { (void)train; }
  virtual std::string save_state() const { return ""; }
  // load_state() throws Error kContent for what is no state of this task.
  virtual void load_state(std::string_view state) { (void)state; }

  // What is true of the example, as text: a label's name, or several, one a line. For the majority's score, groups by
  // label, and `berth check`. "" where there is none, or where it is not known.
  virtual std::string label(const Example& example) const {
    (void)example;
    return "";
  }

  // Examples with equal text here are spread evenly when the host splits off a dev set (`split`).
  virtual std::string stratum(const Example& example) const { return label(example); }

  // Examples with equal text here, unless it is empty, go to the same part when the host splits off a dev set:
  // questions on one page, say, of which the dev set must know nothing.
  virtual std::string group(const Example& example) const {
    (void)example;
    return "";
  }

  virtual std::vector<FieldSpec> fields() const = 0;

  // Adds one feature, or several windows, of the example; none, or one of more than max_length tokens, is an error of
  // the plugin. Target fields are left out where the example has no targets; in one set all examples have them, or none
  // has. A label that the task doesn't know throws Error kContent.
  virtual void features(const Example& example, const FeatureContext& context, FeatureSink& sink) const = 0;

  // Any number of heads, each with values of its own, drawn from LibTorch's default generator, which the host seeds.
  virtual std::shared_ptr<Head> make_head(const EncoderInfo& encoder) const = 0;

  // results: of the example's features, in order, at least one; their tensors are on the CPU. Post-processing only.
  virtual std::unique_ptr<Prediction> decode(const Example& example,
                                             const std::vector<const FeatureResult*>& results) const = 0;

  virtual std::unique_ptr<Metric> make_metric() const = 0;

  // Called after each evaluation of the dev set during training, with make_metric()'s metric that saw it (or into which
  // those of all processes were merged), before the task's state is saved with the checkpoint: what is chosen on dev (a
  // threshold) becomes part of the state.
  virtual void tune(const Metric& dev) { (void)dev; }

  virtual ExportInfo export_info() const { return {}; }
};

}  // namespace v1
}  // namespace berth
