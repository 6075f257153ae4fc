// The BERT encoder (Devlin et al. 2019) over packed batches. Parameters carry transformers' names and equal its
// results.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "berth/batch.h"
#include "core/model/adapter.h"
#include "core/model/attention_block.h"
#include "core/model/config.h"
#include "core/model/dropout.h"
#include "core/model/embedding_block.h"
#include "core/model/feed_forward_block.h"
#include "core/model/layout.h"
#include "core/model/named_tensor.h"
#include "core/model/products.h"

namespace berth::model {

struct EncoderOptions {
  at::ScalarType dtype = at::kFloat;       // float32 or float64
  Products products = Products::kOwnType;  // kBFloat16: only with float32
  std::optional<double> dropout;           // in place of the config's
  std::optional<double> attention_dropout;
  std::int64_t adapter_size = 0;  // above 0: adapters of this width, where the model folder has none
  // Dropout also in stages of which nothing learns, as transformers has it.
  bool frozen_dropout = false;
  // Where there are gradients to come, each layer keeps its input alone, and backward computes the layer once more. The
  // results are the same bits. A parameter must not change between forward and backward.
  bool activation_checkpointing = false;
  std::uint64_t seed = 42;  // for what has to be initialised
};

// N tokens of B sequences, packed end to end; see Batch. All but the offsets are where the encoder is. A stage is the
// embeddings, or a layer.
struct EncoderInput {
  at::Tensor ids;           // [N] int64
  at::Tensor segments;      // [N] int64
  at::Tensor positions;     // [N] int64
  at::Tensor offsets;       // [B + 1] int64 on the CPU
  std::int64_t stages = 0;  // above 0: `hidden` is what that many of the first ones made of these tokens, see lower()
  at::Tensor hidden = {};   // [N, width]
  // On a device: of the offsets. The encoder makes it where it is missing.
  std::shared_ptr<const Layout> layout = {};
};

// What lies before a batch that is a part of a larger one, which several processes share: masks are those of the whole.
struct BatchPart {
  std::int64_t tokens = 0;
  std::int64_t sequences = 0;
  std::int64_t scores = 0;  // of one head's attention, as its dropout counts them

  void add(std::int64_t length);  // a sequence
};

struct EncoderRun {
  HeadInput input = HeadInput::kAllTokens;  // what is needed of the last layer
  bool training = false;                    // dropout in the stages that learn; see EncoderOptions::frozen_dropout
  DropoutKey key;
  BatchPart before = {};
};

struct EncoderOutput {
  at::Tensor hidden;  // [N, width]; undefined unless kAllTokens was asked for
  at::Tensor first;   // [B, width]
  at::Tensor pooled;  // [B, width]; undefined unless kPooled was asked for
};

struct ParameterShape {
  std::string name;
  std::vector<std::int64_t> shape;
};

// Of all parameters, in the order of Encoder::parameters().
std::vector<ParameterShape> parameter_shapes(const BertConfig& config);

enum class StartValues : std::uint8_t {
  kRandom,  // normal(0, initializer_range), zero biases, LayerNorm at one and zero, the padding token at zero
  kNone,    // memory alone, for a loader that fills it
};

class Encoder {
 public:
  Encoder(const BertConfig& config, const EncoderOptions& options, StartValues start = StartValues::kRandom);

  // Gives one parameter its random start. The values depend on the seed and the parameter alone.
  void initialise(std::size_t parameter);

  // The parameters stay the same tensors: whoever holds one finds it there.
  void move_to(at::Device device);
  at::Device device() const { return embeddings_.word.device(); }
  // Type and place of the parameters, and of what is computed of them.
  at::TensorOptions reals() const { return embeddings_.word.options(); }

  EncoderOutput forward(const EncoderInput& given, const EncoderRun& run) const;

  // [N, width], with gradients: what the first stage that is computed makes of the input, for a forward pass that goes
  // on from there with `stages` at 1; where the input comes with the hidden states of some stages, these.
  at::Tensor first_hidden(const EncoderInput& input, const EncoderRun& run) const;

  // How many of the first stages make the same of a text however often it is seen: frozen and, in training, without
  // dropout.
  std::int64_t fixed_stages(bool training) const;

  // [N, width]: what the first `stages` make of the input, without dropout; at least 1.
  at::Tensor lower(const EncoderInput& input, std::int64_t stages) const;

  // Also each layer's input and the last one's output ([N, width], index 0: the embeddings), for analysis and tests.
  std::vector<at::Tensor> hidden_states(const EncoderInput& input) const;

  // Leaves; requires_grad is the caller's to set. In transformers' order, names without "bert.": "embeddings.
  // word_embeddings.weight", ..., "encoder.layer.0.attention.self.query.weight", ..., "pooler.dense.bias".
  const NamedTensors& parameters() const { return parameters_; }

  // One of parameters(). On the processor its gradient is sparse, unless something else than the encoder adds a dense
  // one.
  const at::Tensor& word_embeddings() const { return embeddings_.word; }

  const BertConfig& config() const { return config_; }
  const EncoderOptions& options() const { return options_; }

 private:
  struct LayerRun;
  struct Layer {
    AttentionWeights attention;
    FeedForwardWeights feed_forward;
    AdapterWeights adapter;  // undefined where the config has none
  };

  std::span<const NamedTensor> parameters_of(std::int64_t stage) const;
  bool learns(std::int64_t stage) const;
  std::shared_ptr<const Layout> layout_of(const at::Tensor& offsets) const;
  EncoderInput placed(const EncoderInput& input) const;
  LayerRun run_of(std::int64_t stage, const EncoderInput& input, const EncoderRun& run) const;
  at::Tensor run_stages(const EncoderInput& input, const EncoderRun& run, std::int64_t end) const;
  at::Tensor embed(const EncoderInput& input, const LayerRun& run) const;
  at::Tensor apply_layer(std::int64_t stage, const at::Tensor& hidden, const LayerRun& run) const;
  void check(const EncoderInput& input) const;

  BertConfig config_;
  EncoderOptions options_;
  NamedTensors parameters_;
  EmbeddingWeights embeddings_;
  at::Tensor pooler_weight_, pooler_bias_;
  std::vector<Layer> layers_;
};

}  // namespace berth::model
