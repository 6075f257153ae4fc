// A run's checkpoints: the encoder once, as a Hugging Face folder, and each head beside it.
//
//   checkpoints/step-120/encoder/         config.json, model.safetensors, the tokenizer's files
//                        heads/TASK.safetensors
//                        tasks/TASK.state  what the task learned from its training set, in the task's own format
//                        adapter/          LoRA's matrices alone, as peft has them; encoder/ has their sum
//                        training.safetensors  what training goes on from (TrainingState)
//                        report.json       what the run's report knew then
//                        checkpoint.json   step, seconds of training, version
//                        manifest.json     size and SHA-256 of each of these files
//   checkpoints/best, checkpoints/last     links to them
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/model/encoder.h"

namespace berth::checkpoint {

constexpr const char* kTrainingFile = "training.safetensors";
constexpr const char* kReportFile = "report.json";
constexpr const char* kInfoFile = "checkpoint.json";

struct HeadContents {
  std::string task;
  NamedTensors tensors;
  std::string state;
};

struct AdapterContents {
  NamedTensors tensors;  // named as the encoder's, "encoder.layer.0.attention.self.query.lora_A.weight"
  std::string config_json;
};

struct CheckpointContents {
  const model::Encoder& encoder;
  std::filesystem::path tokenizer_from;  // the model folder whose tokenizer files are copied
  std::vector<HeadContents> heads;
  AdapterContents adapter;  // not written where there are no tensors
  NamedTensors training;
  std::string report_json;
  std::string info_json;
};

// Written under another name, with a manifest and synced, and put in place when whole, in one step: at every moment the
// folder is what it was or what it becomes (on a file system that can't exchange two names, there may be none for a
// moment). Read once more when it is there. Throws Error kIo, and kContent where the disk has not what was written.
void write_checkpoint(const std::filesystem::path& folder, const CheckpointContents& contents);

std::filesystem::path encoder_folder(const std::filesystem::path& checkpoint);

// The model folder that a path stands for: a checkpoint's encoder, a run's best one's, or the path itself. Throws Error
// kContent where the checkpoint is not whole.
std::filesystem::path model_folder(const std::filesystem::path& path);

std::filesystem::path head_file(const std::filesystem::path& checkpoint, const std::string& task);
std::string read_task_state(const std::filesystem::path& checkpoint, const std::string& task);

// What checkpoint.json says. Throws Error kIo, and kContent where it is none of ours.
struct CheckpointInfo {
  std::int64_t step = 0;  // that it was written after
  double training_seconds = 0;
};
CheckpointInfo read_info(const std::filesystem::path& checkpoint);

// Replaces the link in one step, and syncs its folder. Throws Error kIo.
void point_link(const std::filesystem::path& link, const std::string& target);

}  // namespace berth::checkpoint
