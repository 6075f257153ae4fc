// A task as small as the interface allows, whose calls fail in the ways that plugins fail.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "berth/head.h"
#include "berth/task.h"

class MinimalTask : public berth::Task {
 public:
  void describe(berth::Options& options) override;
  std::unique_ptr<berth::DatasetReader> make_reader() const override;
  void fit(berth::ExampleStream& train) override;             // throws berth::Error kContent
  std::string save_state() const override;                    // throws c10::Error
  void load_state(std::string_view state) override;           // throws a std::exception of its own
  std::string stratum(const berth::Example&) const override;  // throws what is no exception class
  std::vector<berth::FieldSpec> fields() const override { return {}; }
  void features(const berth::Example& example, const berth::FeatureContext& context,
                berth::FeatureSink& sink) const override;
  std::shared_ptr<berth::Head> make_head(const berth::EncoderInfo& encoder) const override;
  std::unique_ptr<berth::Prediction> decode(const berth::Example& example,
                                            const std::vector<const berth::FeatureResult*>& results) const override;
  std::unique_ptr<berth::Metric> make_metric() const override;

 private:
  double dropout_ = 0.1;
};
