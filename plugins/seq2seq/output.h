// From the decoder's states to probabilities: a softmax over the vocabulary, mixed with or joined by copying from the
// source. Everything is computed in logarithms.
#pragma once

#include <cstdint>
#include <memory>

#include "layers.h"
#include "layout.h"
#include "source.h"

namespace berth::seq2seq {

enum class Kind : std::uint8_t {
  kGenerator,         // the vocabulary alone
  kPointerGenerator,  // a learned gate mixes generating and copying by attention (See et al. 2017)
  kPointer,           // one softmax over the vocabulary and the source's tokens (Rongali et al. 2020)
};

struct OutputOptions {
  Kind kind = Kind::kPointerGenerator;
  std::int64_t width = 0;
  std::int64_t classes = 0;
  bool has_transform = false;  // dense, GELU, LayerNorm before the vocabulary, as BERT's own where its weights are tied
};

// What the decoder gives the output layer for M rows.
struct OutputRows {
  const at::Tensor& states;  // [M, width]
  const at::Tensor& inputs;  // [M, width], what the decoder read
  const Layout& layout;      // of the rows
  const Source& source;
  const at::Tensor& weight;  // [classes, width], the embedding's
};

// Logarithms of probability, in parts: a token's probability is what `vocabulary` (times `generate`) and all copies of
// that id give together. What can't be is about -1e30.
struct OutputParts {
  at::Tensor vocabulary;  // [M, classes]
  at::Tensor generate;    // [M, 1], the gate's, of kPointerGenerator; else undefined
  at::Tensor copies;      // [M, L], each source token's; undefined for kGenerator
  at::Tensor attention;   // [M, L], probabilities: where the copies' share goes; likewise

  // [M, classes], with the gate.
  at::Tensor generated() const { return generate.defined() ? vocabulary + generate : vocabulary; }
};

class OutputLayer : public torch::nn::Module {
 public:
  explicit OutputLayer(const OutputOptions& options);

  // Source::copy_keys for the encoder's hidden states [N, width], packed as `layout` says.
  at::Tensor copy_keys(const at::Tensor& hidden, const Layout& layout) const;

  OutputParts parts(const OutputRows& rows) const;

 private:
  at::Tensor logits(const OutputRows& rows) const;
  at::Tensor copy_scores(const OutputRows& rows) const;
  OutputParts mix(const OutputRows& rows) const;
  OutputParts join(const OutputRows& rows) const;

  OutputOptions options_;
  std::shared_ptr<Linear> transform_;
  std::shared_ptr<LayerNorm> transform_norm_;
  at::Tensor bias_;  // [classes]
  std::shared_ptr<Linear> query_;
  std::shared_ptr<Linear> key_;
  std::shared_ptr<Linear> gate_;
};

// ids: [M] int64. copy_ids: [M, L], the copy ids of each row's source. Returns [M].
at::Tensor log_probability_of(const OutputParts& parts, const at::Tensor& ids, const at::Tensor& copy_ids);

// The whole distribution: [M, classes + extra], where ids from `classes` on are words of the source. Without autograd.
at::Tensor all_log_probabilities(const OutputParts& parts, const at::Tensor& copy_ids, std::int64_t extra);

// The source token that each id, [n], was copied from at its row, [n], or -1 where generating it was likelier.
// copy_ids: [M, L]. Returns [n] int64.
at::Tensor origins_of(const OutputParts& parts, const at::Tensor& copy_ids, const at::Tensor& rows,
                      const at::Tensor& ids);

}  // namespace berth::seq2seq
