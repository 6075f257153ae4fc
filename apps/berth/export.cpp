// berth export: a trained task as a model folder that transformers opens.
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/berth/commands.h"
#include "apps/berth/trained_run.h"
#include "core/checkpoint/model_folder.h"
#include "core/checkpoint/run_checkpoint.h"
#include "core/model/json_text.h"
#include "core/platform/whole_file.h"
#include "core/plugin/head_tensors.h"
#include "core/report/model_card.h"
#include "core/text/load_tokenizer.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace po = boost::program_options;

Usage export_usage() {
  Usage usage;
  usage.line = "berth export RUN_DIR --task NAME --to DIR [options]";
  usage.summary =
      "Writes a trained task as a folder that transformers' from_pretrained opens as the matching model class, with "
      "the\n"
      "tokenizer's files and a model card. Of a task whose head transformers has no class for, the encoder alone.";
  usage.examples = "  berth export runs/quickstart --task inbox --to inbox-model\n";
  usage.positional.add("run", 1);
  usage.options.add_options()("task", po::value<std::string>()->value_name("NAME"), "the task to export")(
      "to", po::value<std::string>()->value_name("DIR"), "a new or empty folder");
  add_run_options(usage.options);
  return usage;
}

namespace {

// transformers' class for an encoder without a head.
constexpr const char* kEncoderAlone = "BertModel";

// The head's tensors under the names that the architecture gives them.
NamedTensors renamed(const NamedTensors& tensors, const ExportInfo& info, const std::string& owner) {
  NamedTensors result;
  for (const auto& entry : info.parameters) {
    const auto& from = entry.first;
    auto found = std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& t) { return t.name == from; });
    if (found == tensors.end()) {
      throw Error(ErrorKind::kPlugin, fmt::format("{}, export_info: the head has no tensor '{}'", owner, from));
    }
    result.push_back({entry.second, found->tensor});
  }
  return result;
}

// What makes the folder's config.json and model.safetensors. Throws Error kPlugin for an export_info() that can't be.
checkpoint::WriteOptions options_of(const training::TaskSession& task) {
  const auto info = task.task.export_info();
  checkpoint::WriteOptions options;
  auto overrides = nlohmann::ordered_json::parse(info.config_json.empty() ? "{}" : info.config_json, nullptr,
                                                 /*allow_exceptions=*/false);
  if (!overrides.is_object()) {
    throw Error(ErrorKind::kPlugin,
                fmt::format("{}, export_info: config_json is no JSON object: {}", task.task.owner(), info.config_json));
  }
  if (info.architecture.empty()) {
    overrides["architectures"] = {kEncoderAlone};
  } else {
    overrides["architectures"] = {info.architecture};
    options.prefix = "bert.";
    options.extra = renamed(plugin::head_tensors(*task.head), info, task.task.owner());
    options.with_pooler = info.has_pooler;
  }
  options.config_overrides = overrides.dump();
  return options;
}

void write_card(const fs::path& to, const TrainedRun& run, const std::string& task) {
  const auto step = checkpoint::read_info(run.checkpoint(task)).step;
  const auto config = std::find_if(run.suite.tasks.begin(), run.suite.tasks.end(),
                                   [&](const suite::TaskConfig& c) { return c.name == task; });
  const report::ModelCard card{(fs::absolute(to) / "").lexically_normal().parent_path().filename().string(),
                               model::read_text(to / "config.json"),
                               *config,
                               run.suite,
                               step,
                               report::scores_at(run.folder.metrics_file(), task, step)};
  platform::write_text(to / "README.md", report::model_card(card));
}

}  // namespace

int export_task(const Arguments& arguments) {
  auto command = export_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto run = open_run(*values, required(*values, "run", "usage: " + command.line));
  const auto name = required(*values, "task", "give --task NAME");
  const fs::path to = required(*values, "to", "give --to DIR");
  if (fs::exists(to) && !(fs::is_directory(to) && fs::is_empty(to))) {
    throw Error(ErrorKind::kConfig, fmt::format("--to {}: exists and is not an empty folder", to.string()));
  }
  auto session = run.open(name);
  const auto& task = session.find(name);
  if (session.encoder.config().adapter_size > 0) {
    throw Error(
        ErrorKind::kConfig,
        "the encoder has adapters (finetuning.method = \"adapters\"), which transformers' classes don't know and "
        "would leave out; only berth itself can run this model");
  }
  const auto options = options_of(task);
  fs::create_directories(to);
  checkpoint::write_model_folder(to, session.encoder, options);
  text::copy_tokenizer_files(checkpoint::encoder_folder(run.checkpoint(name)), to);
  write_card(to, run, name);
  const auto architecture = task.task.export_info().architecture;
  const auto checkpoint = run.checkpoint(name).filename().string();
  if (architecture.empty()) {
    fmt::print(
        "{}: {}: transformers has no model class for this task's head: its encoder alone, as transformers' {}, in {}\n",
        name, checkpoint, kEncoderAlone, to.string());
  } else {
    fmt::print("{}: {} as transformers' {} in {}\n", name, checkpoint, architecture, to.string());
  }
  return 0;
}

}  // namespace berth::app
