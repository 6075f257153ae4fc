// Reads files whose rows say how many windows their example has. Each window is two tokens: the row's line, and which
// of its windows it is.
#include "berth/kit/lines.h"
#include "berth/plugin.h"
#include "minimal_task.h"

namespace {

struct Row final : berth::Example {
  int windows = 0;
};

class Rows final : public berth::ExampleStream {
 public:
  explicit Rows(const std::string& path) : lines_(path) {}

  std::unique_ptr<berth::Example> next() override {
    std::string line;
    if (!lines_.next(line)) return nullptr;
    if (line == "bad") throw berth::Error(berth::ErrorKind::kContent, lines_.where(), "is a bad row");
    auto row = std::make_unique<Row>();
    row->where = lines_.where();
    row->windows = std::stoi(line);
    return row;
  }

 private:
  berth::kit::LineReader lines_;
};

class RowReader final : public berth::DatasetReader {
 public:
  std::unique_ptr<berth::ExampleStream> open(const std::string& path) const override {
    return std::make_unique<Rows>(path);
  }
  std::unique_ptr<berth::Example> from_json(std::string_view /*json*/, const berth::Where& /*where*/) const override {
    return nullptr;
  }
};

class RowTask final : public MinimalTask {
 public:
  std::unique_ptr<berth::DatasetReader> make_reader() const override { return std::make_unique<RowReader>(); }

  void features(const berth::Example& example, const berth::FeatureContext& /*context*/,
                berth::FeatureSink& sink) const override {
    for (int window = 0; window < static_cast<const Row&>(example).windows; ++window) {
      berth::Feature feature;
      feature.encoding.ids = {static_cast<std::int32_t>(example.where.line), window};
      feature.encoding.segments = {0, 0};
      sink.add(std::move(feature));
    }
  }
};

}  // namespace

BERTH_PLUGIN("rows", "1.0.0", "reads rows", RowTask)
