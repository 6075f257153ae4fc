// What the decoder reads: the target's tokens so far, where they stand, and what they are a copy of.
#pragma once

#include <cstdint>
#include <memory>

#include "layers.h"
#include "layout.h"
#include "source.h"

namespace berth::seq2seq {

struct EmbeddingOptions {
  std::int64_t width = 0;
  std::int64_t classes = 0;    // of the own vocabulary; with tied weights, theirs
  at::Tensor tied;             // [classes, width], the encoder's; undefined: own weights
  at::Tensor initial;          // [classes, width], what own weights start from; undefined: random
  std::int64_t positions = 0;  // learned ones; 0: sinusoids
  std::int64_t unknown = 0;    // read for ids beyond the classes
  bool reads_source = false;   // also reads the source's hidden states of the tokens that the target repeats
  double dropout = 0;
  double deviation = 0.02;  // of new embeddings
};

class TargetEmbedding : public torch::nn::Module {
 public:
  explicit TargetEmbedding(const EmbeddingOptions& options);

  // [classes, width], which the output layer shares.
  const at::Tensor& weight() const { return words_ ? words_->weight() : options_.tied; }

  // ids, positions: [M] int64, packed as `layout` says. Returns [M, width]: word + position, and with reads_source a
  // linear map of the mean hidden state of the source tokens whose copy id is the word's (as CopyNet's selective read,
  // Gu et al. 2016): so a copied word that the vocabulary lacks is told from others. Then LayerNorm and dropout.
  at::Tensor forward(const at::Tensor& ids, const at::Tensor& positions, const Layout& layout,
                     const Source& source) const;

 private:
  at::Tensor position_rows(const at::Tensor& positions) const;
  at::Tensor read_source(const at::Tensor& ids, const Layout& layout, const Source& source) const;

  EmbeddingOptions options_;
  std::shared_ptr<Embedding> words_;
  std::shared_ptr<Embedding> positions_;
  std::shared_ptr<Linear> read_;
  std::shared_ptr<LayerNorm> norm_;
};

}  // namespace berth::seq2seq
