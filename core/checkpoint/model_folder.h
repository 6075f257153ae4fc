// Model folders of the Hugging Face layout: loading an encoder from any of them, writing ours as one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/model/encoder.h"

namespace berth::checkpoint {

// What did not fit, by name; for the user to see before training.
struct LoadReport {
  std::vector<std::string>
      initialised;                  // parameters the folder lacks and that may be missing (the pooler's, adapters')
  std::vector<std::string> unused;  // the folder's tensors that no encoder parameter has (heads of another task)
};

struct LoadedEncoder {
  model::Encoder encoder;
  LoadReport report;
};

// Reads config.json and the first of these that is there: model.safetensors, the shards that
// model.safetensors.index.json names, pytorch_model.bin, the shards that pytorch_model.bin.index.json names.
// Understands names with and without "bert.", and gamma/beta. Weights of other float types are converted to `dtype`.
// Throws Error kContent that lists missing and misshapen tensors by name, kIo for missing files, kConfig for adapters
// of another size than the options want. seed: for what has to be initialised.
LoadedEncoder load_encoder(const std::filesystem::path& folder, const model::EncoderOptions& options);

// config.json (the original one, with `config_overrides`, a JSON object as text, merged in) and model.safetensors:
// the encoder's parameters with `prefix` ("" or "bert.") in front, then `extra` as it is. with_pooler: whether the
// pooler's parameters are written.
struct WriteOptions {
  std::string prefix;
  std::string config_overrides = "{}";
  NamedTensors extra;
  bool with_pooler = true;
};
void write_model_folder(const std::filesystem::path& folder, const model::Encoder& encoder,
                        const WriteOptions& options);

}  // namespace berth::checkpoint
