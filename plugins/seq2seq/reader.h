// Reads seq2seq sets from TSV, CSV and JSON lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "berth/dataset.h"
#include "berth/kit/columns.h"

namespace berth::seq2seq {

// The options of `[tasks.NAME.data]`.
struct DataOptions {
  kit::ColumnOptions columns;
  std::string source = "source";
  std::string target = "target";
};

class Seq2SeqReader final : public DatasetReader {
 public:
  void describe(Options& options) override;
  std::unique_ptr<ExampleStream> open(const std::string& path) const override;
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override;

 private:
  DataOptions options_;
};

}  // namespace berth::seq2seq
