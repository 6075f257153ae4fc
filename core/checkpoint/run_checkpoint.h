// A run's checkpoints: the encoder once, as a Hugging Face folder, and each head beside it.
//
//   checkpoints/step-120/encoder/         config.json, model.safetensors, the tokenizer's files
//                        heads/TASK.safetensors
//                        tasks/TASK.state  what the task learned from its training set, in the task's own format
//                        adapter/          LoRA's matrices alone, as peft has them; encoder/ has their sum
//                        checkpoint.json   step, scores, version
//   checkpoints/best, checkpoints/last     links to them
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/model/encoder.h"

namespace berth::checkpoint {

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
  std::string info_json;
};

// Written under another name and renamed when whole. Throws Error kIo.
void write_checkpoint(const std::filesystem::path& folder, const CheckpointContents& contents);

std::filesystem::path encoder_folder(const std::filesystem::path& checkpoint);

// The model folder that a path stands for: a checkpoint's encoder, a run's best one's, or the path itself.
std::filesystem::path model_folder(const std::filesystem::path& path);

std::filesystem::path head_file(const std::filesystem::path& checkpoint, const std::string& task);
NamedTensors read_head(const std::filesystem::path& file);  // views of the mapped file
std::string read_task_state(const std::filesystem::path& checkpoint, const std::string& task);

// The step that a checkpoint was written after. Throws Error kIo, and kContent where checkpoint.json is none of ours.
std::int64_t read_step(const std::filesystem::path& checkpoint);

// Replaces the link in one step.
void point_link(const std::filesystem::path& link, const std::string& target);

}  // namespace berth::checkpoint
