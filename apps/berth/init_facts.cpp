#include "apps/berth/init_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "apps/berth/threads.h"
#include "berth/head.h"
#include "core/data/task_data.h"
#include "core/model/config.h"
#include "core/platform/program_path.h"
#include "core/training/session.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kMeasured = 2000;  // examples

bool is_model(const fs::path& folder) { return fs::is_regular_file(folder / "config.json"); }

fs::path whole_path(const fs::path& path) {
  auto result = fs::absolute(path).lexically_normal();
  return result.has_filename() ? result : result.parent_path();
}

fs::path require_model(const fs::path& folder, const std::string& who) {
  if (is_model(folder)) return whole_path(folder);
  throw Error(ErrorKind::kIo, {folder.string()},
              fmt::format("is no model folder: it has no config.json; {} wants the folder of a BERT with config.json, "
                          "vocab.txt or tokenizer.json, and model.safetensors or pytorch_model.bin",
                          who));
}

// Folders of ./models, in the order of their names.
std::vector<fs::path> own_models() {
  std::vector<fs::path> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator("models", failed)) {
    if (is_model(entry.path())) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

// Tokens that 95% of the training sequences don't exceed, were none cut.
std::int64_t usual_length(const training::Session& session) {
  const auto& task = session.tasks.front().task;
  const FeatureContext unlimited{*session.tokenizer, std::numeric_limits<std::int32_t>::max()};
  const auto reader = task.make_reader(*task.config().train);
  const auto stream = task.open(*reader, *task.config().train);
  std::vector<std::size_t> lengths;
  for (std::int64_t i = 0; i < kMeasured; ++i) {
    const auto example = task.next(*stream);
    if (!example) break;
    for (const auto& feature : task.features(*example, unlimited)) lengths.push_back(feature.encoding.size());
  }
  if (lengths.empty()) return 0;
  std::sort(lengths.begin(), lengths.end());
  return static_cast<std::int64_t>(lengths[(lengths.size() - 1) * 95 / 100]);
}

// Whether the head is so large, next to the encoder, that it must learn much: a decoder.
bool is_large(const Head& head, const model::Encoder& encoder) {
  std::int64_t of_head = 0;
  std::int64_t of_encoder = 0;
  for (const auto& parameter : head.parameters()) of_head += parameter.numel();
  for (const auto& [name, parameter] : encoder.parameters()) of_encoder += parameter.numel();
  return 10 * of_head > of_encoder;
}

}  // namespace

fs::path find_model(const fs::path& given) {
  if (!given.empty()) return require_model(given, "--model");
  if (const char* named = std::getenv("BERTH_MODEL"); named != nullptr && *named != '\0') {
    return require_model(named, "BERTH_MODEL");
  }
  const auto program = platform::program_path();
  if (!program.empty()) {
    const auto of_setup = program.parent_path() / "../../deps/minilm";  // build/release/bin, build/deps
    if (is_model(of_setup)) return whole_path(of_setup);
  }
  const auto models = own_models();
  return models.empty() ? fs::path() : whole_path(models.front());
}

suite::DataFacts facts_of_model(const fs::path& model) {
  suite::DataFacts facts;
  facts.examples = 1000;  // so that the share of the dev set is the usual one
  if (model.empty()) return facts;
  const auto config = model::read_config(model / "config.json");
  facts.max_positions = config.max_position_embeddings;
  facts.hidden_size = config.hidden_size;
  return facts;
}

suite::DataFacts look_at_data(const fs::path& suite_file, const plugin::Registry& registry, HasModel has_model) {
  suite::DataFacts facts;
  if (has_model == HasModel::kNo) {
    const auto suite = suite::read_suite(suite_file, {"model.path='.'"});
    const plugin::LoadedTask task(registry, suite.tasks.front());
    facts.examples = static_cast<std::int64_t>(data::read_examples(task, *task.config().train).size());
    return facts;
  }
  const auto suite = suite::read_suite(suite_file, {});
  set_threads(suite);
  const auto session = training::start_session(suite, registry);
  const auto& task = session.tasks.front();
  facts.examples = task.train->example_count;
  if (task.task.config().split > 0) facts.examples += task.dev()->example_count;
  facts.usual_length = usual_length(session);
  facts.max_positions = session.encoder.config().max_position_embeddings;
  facts.hidden_size = session.encoder.config().hidden_size;
  facts.has_large_head = is_large(*task.head, session.encoder);
  return facts;
}

}  // namespace berth::app
