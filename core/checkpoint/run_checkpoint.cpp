#include "core/checkpoint/run_checkpoint.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include "berth/error.h"
#include "core/checkpoint/manifest.h"
#include "core/checkpoint/model_folder.h"
#include "core/checkpoint/safetensors.h"
#include "core/model/json_text.h"
#include "core/platform/whole_file.h"
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
  platform::write_text(folder / "adapter_config.json", adapter.config_json);
}

// The folder `fresh` in the place of `folder`, which takes its name where it exists, in one step.
void put_in_place(const fs::path& fresh, const fs::path& folder) {
  if (!fs::exists(folder)) {
    fs::rename(fresh, folder);
  } else if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno != EINVAL && errno != ENOSYS) {
      throw fs::filesystem_error("can't replace", folder, std::error_code(errno, std::generic_category()));
    }
    const fs::path old = folder.string() + ".old.partial";  // a file system that can't exchange names
    fs::rename(folder, old);
    fs::rename(fresh, folder);
    fs::remove_all(old);
  }
  platform::sync(folder.parent_path());
  fs::remove_all(fresh);
}

}  // namespace

void write_checkpoint(const fs::path& folder, const CheckpointContents& contents) {
  const fs::path partial = folder.string() + ".partial";
  // What was begun on a full disk would keep it full.
  const auto remove_rest = [&] {
    std::error_code failed;
    fs::remove_all(partial, failed);
  };
  try {
    fs::remove_all(partial);
    for (const auto* name : {"encoder", "heads", "tasks"}) fs::create_directories(partial / name);
    write_model_folder(partial / "encoder", contents.encoder, {});
    text::copy_tokenizer_files(contents.tokenizer_from, partial / "encoder");
    for (const auto& head : contents.heads) {
      write_safetensors(head_file(partial, head.task), head.tensors);
      platform::write_text(state_file(partial, head.task), head.state);
    }
    if (!contents.adapter.tensors.empty()) write_adapter(partial / "adapter", contents.adapter);
    write_safetensors(partial / kTrainingFile, contents.training);
    platform::write_text(partial / kReportFile, contents.report_json);
    platform::write_text(partial / kInfoFile, contents.info_json);
    write_manifest(partial);
    put_in_place(partial, folder);
  } catch (const fs::filesystem_error& e) {
    remove_rest();
    throw Error(ErrorKind::kIo, {folder.string()}, fmt::format("the checkpoint can't be written: {}", e.what()));
  } catch (...) {
    remove_rest();
    throw;
  }
  verify(folder, Part::kAll);
}

fs::path encoder_folder(const fs::path& checkpoint) { return checkpoint / "encoder"; }

fs::path model_folder(const fs::path& path) {
  if (fs::exists(path / "config.json")) return path;
  for (const auto& checkpoint : {path, path / "checkpoints/best"}) {
    if (!fs::exists(encoder_folder(checkpoint) / "config.json")) continue;
    verify(checkpoint, Part::kModel);
    return fs::canonical(encoder_folder(checkpoint));
  }
  return path;
}

fs::path head_file(const fs::path& checkpoint, const std::string& task) {
  return checkpoint / "heads" / (task + ".safetensors");
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

CheckpointInfo read_info(const fs::path& checkpoint) {
  const auto file = checkpoint / kInfoFile;
  const auto json = model::parse_json(model::read_text(file), file.string());
  const auto is_ours = json.is_object() && json.contains("step") && json["step"].is_number_integer() &&
                       json.contains("training_seconds") && json["training_seconds"].is_number();
  if (!is_ours) {
    throw Error(ErrorKind::kContent, {file.string()},
                R"(has no "step" and "training_seconds", which every checkpoint of berth has)");
  }
  return {json["step"].get<std::int64_t>(), json["training_seconds"].get<double>()};
}

void point_link(const fs::path& link, const std::string& target) {
  const fs::path fresh = link.string() + ".new";
  std::error_code error;
  fs::remove(fresh, error);
  fs::create_directory_symlink(target, fresh, error);
  if (!error) fs::rename(fresh, link, error);
  if (error) throw Error(ErrorKind::kIo, {link.string()}, "the link can't be made: " + error.message());
  platform::sync(link.parent_path());
}

}  // namespace berth::checkpoint
