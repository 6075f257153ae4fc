#include "core/checkpoint/run_checkpoint.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <system_error>

#include "berth/error.h"
#include "core/checkpoint/model_folder.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/whole_file.h"
#include "core/model/json_text.h"
#include "core/text/load_tokenizer.h"

namespace berth::checkpoint {
namespace fs = std::filesystem;
namespace {

fs::path state_file(const fs::path& checkpoint, const std::string& task) {
  return checkpoint / "tasks" / (task + ".state");
}

// A folder for peft's PeftModel.from_pretrained().
void write_adapter(const fs::path& folder, const AdapterContents& adapter) {
  fs::create_directories(folder);
  NamedTensors tensors;
  for (const auto& [name, tensor] : adapter.tensors) tensors.push_back({"base_model.model." + name, tensor});
  write_safetensors(folder / "adapter_model.safetensors", tensors);
  write_text(folder / "adapter_config.json", adapter.config_json);
}

}  // namespace

void write_checkpoint(const fs::path& folder, const CheckpointContents& contents) {
  const fs::path partial = folder.string() + ".partial";
  try {
    fs::remove_all(partial);
    for (const auto* name : {"encoder", "heads", "tasks"}) fs::create_directories(partial / name);
    write_model_folder(partial / "encoder", contents.encoder, {});
    text::copy_tokenizer_files(contents.tokenizer_from, partial / "encoder");
    for (const auto& head : contents.heads) {
      write_safetensors(head_file(partial, head.task), head.tensors);
      write_text(state_file(partial, head.task), head.state);
    }
    if (!contents.adapter.tensors.empty()) write_adapter(partial / "adapter", contents.adapter);
    write_text(partial / "checkpoint.json", contents.info_json);
    fs::remove_all(folder);
    fs::rename(partial, folder);
  } catch (const fs::filesystem_error& e) {
    throw Error(ErrorKind::kIo, {folder.string()}, fmt::format("the checkpoint can't be written: {}", e.what()));
  }
}

fs::path encoder_folder(const fs::path& checkpoint) { return checkpoint / "encoder"; }

fs::path model_folder(const fs::path& path) {
  if (fs::exists(path / "config.json")) return path;
  for (const auto& checkpoint : {path, path / "checkpoints/best"}) {
    if (fs::exists(encoder_folder(checkpoint) / "config.json")) return fs::canonical(encoder_folder(checkpoint));
  }
  return path;
}

fs::path head_file(const fs::path& checkpoint, const std::string& task) {
  return checkpoint / "heads" / (task + ".safetensors");
}

NamedTensors read_head(const fs::path& file) {
  const SafetensorsFile tensors(file);
  NamedTensors result;
  for (const auto& entry : tensors.entries()) result.push_back({entry.name, tensors.tensor(entry.name)});
  return result;
}

std::string read_task_state(const fs::path& checkpoint, const std::string& task) {
  const auto file = state_file(checkpoint, task);
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    throw Error(ErrorKind::kIo, {file.string()},
                fmt::format("can't be read; a checkpoint that was trained with task '{}' has it", task));
  }
  return {std::istreambuf_iterator<char>(in), {}};
}

std::int64_t read_step(const fs::path& checkpoint) {
  const auto file = checkpoint / "checkpoint.json";
  const auto json = model::parse_json(model::read_text(file), file.string());
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) {
    throw Error(ErrorKind::kContent, {file.string()}, "has no \"step\", which every checkpoint of berth has");
  }
  return json["step"].get<std::int64_t>();
}

void point_link(const fs::path& link, const std::string& target) {
  const fs::path fresh = link.string() + ".new";
  std::error_code error;
  fs::remove(fresh, error);
  fs::create_directory_symlink(target, fresh, error);
  if (!error) fs::rename(fresh, link, error);
  if (error) throw Error(ErrorKind::kIo, {link.string()}, "the link can't be made: " + error.message());
}

}  // namespace berth::checkpoint
