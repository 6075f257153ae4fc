#include "minimal_task.h"

#include <c10/util/Exception.h>

#include <stdexcept>

#include "make_minimal_task.h"

namespace {

class OwnException : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace

void MinimalTask::describe(berth::Options& options) {
  options.field("dropout", dropout_, "on what the head reads").between(0, 1);
}

std::unique_ptr<berth::DatasetReader> MinimalTask::make_reader() const { return nullptr; }

void MinimalTask::fit(berth::ExampleStream& train) {
  (void)train;
  throw berth::Error(berth::ErrorKind::kContent, {"train.tsv", 7, 0}, "there is no label");
}

std::string MinimalTask::save_state() const { TORCH_CHECK(false, "sizes ", 3, " and ", 4, " do not match"); }

void MinimalTask::load_state(std::string_view state) { throw OwnException("state of " + std::to_string(state.size())); }

std::string MinimalTask::stratum(const berth::Example& example) const {
  (void)example;
  throw 42;
}

void MinimalTask::features(const berth::Example& example, const berth::FeatureContext& context,
                           berth::FeatureSink& sink) const {
  (void)example;
  (void)context;
  sink.add({});
}

std::shared_ptr<berth::Head> MinimalTask::make_head(const berth::EncoderInfo& encoder) const {
  (void)encoder;
  return nullptr;
}

std::unique_ptr<berth::Prediction> MinimalTask::decode(const berth::Example& example,
                                                       const std::vector<const berth::FeatureResult*>& results) const {
  (void)example;
  (void)results;
  return nullptr;
}

std::unique_ptr<berth::Metric> MinimalTask::make_metric() const { return nullptr; }

berth::Task* make_minimal_task() { return new MinimalTask; }
