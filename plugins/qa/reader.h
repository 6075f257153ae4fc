// Reads question sets from SQuAD's JSON, 1.1 and 2.0, and from JSON lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "berth/dataset.h"
#include "example.h"

namespace berth::qa {

// The options of `[tasks.NAME.data]`.
struct DataOptions {
  std::string format = "auto";
  std::string question = "question";  // fields of JSON lines
  std::string context = "context";
  std::string answers = "answers";
  std::string id = "id";
  std::string bad_answers = "error";
};

class QaReader final : public DatasetReader {
 public:
  void describe(Options& options) override;
  // Throws Error kContent where an id comes twice.
  std::unique_ptr<ExampleStream> open(const std::string& path) const override;
  // {"question", "context"}; answers, if there are any, are not looked at.
  std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const override;

 private:
  DataOptions options_;
};

}  // namespace berth::qa
