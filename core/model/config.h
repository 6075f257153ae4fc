// config.json of a BERT model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace berth::model {

// What hidden_act names, as transformers' ACT2FN defines it; see activation.h.
enum class Activation : std::uint8_t {
  kGelu,
  kGeluTanh,  // gelu_new, gelu_fast, gelu_accurate, gelu_pytorch_tanh, gelu_python_tanh: one formula
  kGelu10,
  kQuickGelu,
  kRelu,
  kRelu2,
  kRelu6,
  kLeakyRelu,
  kSilu,
  kHardSwish,
  kMish,
  kTanh,
  kSigmoid,
  kLaplace,
  kSqrtSoftplus,
  kLinear,
};

struct BertConfig {
  std::int64_t vocab_size = 30522;
  std::int64_t hidden_size = 768;
  std::int64_t num_hidden_layers = 12;
  std::int64_t num_attention_heads = 12;
  std::int64_t intermediate_size = 3072;
  std::int64_t max_position_embeddings = 512;
  std::int64_t type_vocab_size = 2;
  Activation hidden_act = Activation::kGelu;
  double hidden_dropout_prob = 0.1;
  double attention_probs_dropout_prob = 0.1;
  double initializer_range = 0.02;
  double layer_norm_eps = 1e-12;
  std::int64_t adapter_size = 0;  // width of a bottleneck after each layer; 0: none. berth's own: "berth_adapter_size"
  std::int64_t pad_token_id = 0;  // whose embedding starts at zero and learns nothing; -1: none
  std::string json;               // the whole file, so that what berth does not read is written back
};

// Throws Error kIo / kContent (not JSON, a key of the wrong type, a model_type other than bert, a
// position_embedding_type other than absolute, a decoder, sizes that don't fit each other), naming file and key.
BertConfig read_config(const std::filesystem::path& file);

// config.json's text: `json` where there is any, with the adapters' size, else made of the fields.
std::string config_text(const BertConfig& config);

}  // namespace berth::model
