#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "berth/head.h"
#include "core/data/encoded_batch.h"
#include "core/plugin/manifest_reader.h"
#include "core/validation/checks.h"

namespace berth::validation {
namespace {

using Json = nlohmann::json;

std::string differing(const Json& a, const Json& b, double tolerance, const std::string& place) {
  if (a.is_number() && b.is_number()) {
    const auto x = a.get<double>();
    const auto y = b.get<double>();
    if (x == y || std::abs(x - y) <= tolerance * std::max({1.0, std::abs(x), std::abs(y)})) return "";
  } else if (a.is_object() && b.is_object() && a.size() == b.size()) {
    for (const auto& [key, value] : a.items()) {
      if (!b.contains(key)) return fmt::format("{}.{} is missing", place, key);
      if (auto found = differing(value, b.at(key), tolerance, fmt::format("{}.{}", place, key)); !found.empty())
        return found;
    }
    return "";
  } else if (a.is_array() && b.is_array() && a.size() == b.size()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (auto found = differing(a[i], b[i], tolerance, fmt::format("{}[{}]", place, i)); !found.empty()) return found;
    }
    return "";
  } else if (a == b) {
    return "";
  }
  return fmt::format("{} is {} and {}", place, a.dump(), b.dump());
}

}  // namespace

void fail(const std::string& text) { throw Error(ErrorKind::kPlugin, text); }

Found find(const Subject& subject) {
  const auto read = plugin::read_manifest(subject.file);
  if (const auto* refusal = std::get_if<plugin::Refusal>(&read)) fail("the file " + refusal->reason);
  auto warnings = std::make_shared<std::vector<std::string>>();
  Found found{plugin::Registry({subject.file.parent_path()},
                               [warnings](const std::string& line) { warnings->push_back(line); }),
              std::get<Manifest>(read).id, warnings};
  for (const auto& refused : found.registry.refused()) {
    if (refused.path == subject.file) fail(refused.reason);
  }
  for (const auto& plugin : found.registry.plugins()) {
    if (plugin.path == subject.file) return found;
  }
  fail("berth looks for plugins in files called NAME.so alone; give the file such a name");
}

Bench make_bench(const Subject& subject, suite::Precision precision, std::int64_t examples) try {
  auto found = find(subject);
  auto suite = *subject.suite;
  suite.training.seed = subject.seed;
  suite.training.feature_cache.clear();  // the plugin's own calls are what is looked at
  suite.model.precision = precision;
  suite.model.device = "cpu";  // where a plugin has to be right first, and numbers can be looked at one by one
  auto session = training::start_session(suite, found.registry);
  const auto& task = session.tasks.front().task;
  auto data = data::make_task_data(task, "some of train", some_examples(task, examples), data::Keep::kExamples,
                                   session.feature_options());
  return {std::move(found), std::move(session), std::move(data)};
} catch (const Error& e) {
  if (e.kind() == ErrorKind::kPlugin) throw;
  throw BadSuite(e);
}

data::Examples some_examples(const plugin::LoadedTask& task, std::int64_t count) {
  return data::spread(data::read_examples(task, *task.config().train), count);
}

model::EncoderOutput encode(Bench& bench, const Batch& batch) {
  model::EncoderRun run;
  run.input = bench.task().task.input(*bench.task().head);
  return bench.session.encoder.forward(data::encoder_input(batch), run);
}

std::vector<std::string> predictions(const evaluation::TaskModel& model, const data::TaskData& data,
                                     std::int64_t batch_size) {
  std::vector<std::string> texts;
  evaluation::predict(model, data, {batch_size, /*seed=*/1}, [&](const Example& example, const Prediction& prediction) {
    const auto text = model.task.json(prediction);
    if (const auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false); !json.is_object()) {
      fail(fmt::format("{}the prediction's json() is no JSON object: {}", to_string(example.where), text));
    }
    texts.push_back(text);
  });
  return texts;
}

std::string difference(const std::string& a, const std::string& b, double tolerance) {
  return differing(Json::parse(a), Json::parse(b), tolerance, "prediction");
}

}  // namespace berth::validation
