// Runs the encoder on stored token ids and writes all that compare_model.py compares.
//   dump_model MODEL_FOLDER INPUT.safetensors OUTPUT.safetensors float32|float64
// Input: ids, segments, offsets; hidden_weights [N, width] and pooled_weights [B, width] where gradients are wanted, of
// sum(hidden * hidden_weights) and of sum(pooled * pooled_weights), dropout off.
//   dump_model --copy MODEL_FOLDER TO_FOLDER PREFIX
// Writes the encoder as a folder of its own, for transformers to open.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "core/checkpoint/model_folder.h"
#include "core/checkpoint/safetensors.h"

namespace {

using berth::HeadInput;
using berth::NamedTensors;
using berth::checkpoint::SafetensorsFile;
using berth::model::Encoder;
using berth::model::EncoderInput;
using berth::model::EncoderRun;

EncoderInput read_input(const SafetensorsFile& file) {
  EncoderInput input;
  input.ids = file.tensor("ids");
  input.segments = file.tensor("segments");
  input.offsets = file.tensor("offsets");
  std::vector<at::Tensor> positions;
  const auto* offsets = input.offsets.const_data_ptr<std::int64_t>();
  for (std::int64_t b = 0; b + 1 < input.offsets.numel(); ++b) {
    positions.push_back(at::arange(offsets[b + 1] - offsets[b], input.ids.options()));
  }
  input.positions = at::cat(positions);
  return input;
}

void dump_values(const Encoder& encoder, const EncoderInput& input, NamedTensors& out) {
  const at::NoGradGuard no_grad;
  const auto states = encoder.hidden_states(input);
  for (std::size_t i = 0; i < states.size(); ++i) out.push_back({fmt::format("hidden.{}", i), states[i]});
  EncoderRun run;
  const auto all = encoder.forward(input, run);
  out.push_back({"all.hidden", all.hidden});
  out.push_back({"all.first", all.first});
  run.input = HeadInput::kFirstToken;
  out.push_back({"first.first", encoder.forward(input, run).first});
  run.input = HeadInput::kPooled;
  out.push_back({"pooled", encoder.forward(input, run).pooled});
}

void dump_gradients(const Encoder& encoder, const std::string& name, const at::Tensor& loss, NamedTensors& out) {
  loss.backward();
  for (const auto& parameter : encoder.parameters()) {
    at::Tensor gradient = parameter.tensor.grad();
    if (gradient.defined() && gradient.is_sparse()) gradient = gradient.to_dense();
    out.push_back({name + parameter.name, gradient.defined() ? gradient.clone() : at::zeros_like(parameter.tensor)});
    parameter.tensor.mutable_grad() = at::Tensor();
  }
}

void dump(const std::string& folder, const std::string& in, const std::string& out_file, const std::string& dtype) {
  berth::model::EncoderOptions options;
  options.dtype = dtype == "float64" ? at::kDouble : at::kFloat;
  if (dtype == "bfloat16") options.products = berth::model::Products::kBFloat16;
  const auto loaded = berth::checkpoint::load_encoder(folder, options);
  for (const auto& name : loaded.report.initialised) fmt::print("initialised {}\n", name);
  for (const auto& name : loaded.report.unused) fmt::print("unused {}\n", name);
  const SafetensorsFile file(in);
  const EncoderInput input = read_input(file);
  NamedTensors out;
  dump_values(loaded.encoder, input, out);
  if (file.contains("hidden_weights")) {
    for (const auto& parameter : loaded.encoder.parameters()) parameter.tensor.requires_grad_(true);
    EncoderRun run;
    const auto weights = [&](const char* name) { return file.tensor(name).to(options.dtype); };
    const auto hidden = loaded.encoder.forward(input, run).hidden;
    dump_gradients(loaded.encoder, "hidden_gradient.", (hidden * weights("hidden_weights")).sum(), out);
    run.input = HeadInput::kPooled;
    const auto pooled = loaded.encoder.forward(input, run).pooled;
    dump_gradients(loaded.encoder, "pooled_gradient.", (pooled * weights("pooled_weights")).sum(), out);
  }
  berth::checkpoint::write_safetensors(out_file, out);
}

void copy(const std::string& folder, const std::string& to, const std::string& prefix) {
  berth::checkpoint::WriteOptions options;
  options.prefix = prefix;
  berth::checkpoint::write_model_folder(to, berth::checkpoint::load_encoder(folder, {}).encoder, options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr,
               "usage: dump_model MODEL_FOLDER INPUT.safetensors OUTPUT.safetensors float32|float64|bfloat16\n");
    return 2;
  }
  try {
    if (std::string(argv[1]) == "--copy") {
      copy(argv[2], argv[3], argv[4]);
    } else {
      dump(argv[1], argv[2], argv[3], argv[4]);
    }
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
