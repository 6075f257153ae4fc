// Reads classification sets from TSV, CSV and JSON lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "berth/dataset.h"
#include "berth/kit/columns.h"
#include "example.h"

namespace berth::classification {

// The options of `[tasks.NAME.data]`.
struct DataOptions {
  kit::ColumnOptions columns;
  std::string text = "text";
  std::string text_pair;  // "": single texts
  std::string label = "label";
  std::string separator = ",";
  LabelMaps maps;
};

class ClassificationReader final : public DatasetReader {
 public:
  explicit ClassificationReader(Kind kind) : kind_(kind) {}

  void describe(Options& options) override;
  std::unique_ptr<ExampleStream> open(const std::string& path) const override;
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override;

 private:
  Kind kind_;
  DataOptions options_;
};

}  // namespace berth::classification
