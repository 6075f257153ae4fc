// The head: a decoder over the encoder's hidden states, what it generates and copies, its loss, and its search.
#pragma once

#include <cstdint>
#include <memory>

#include "berth/head.h"
#include "decoder.h"
#include "embedding.h"
#include "loss.h"
#include "output.h"
#include "search.h"

namespace berth::seq2seq {

struct HeadOptions {
  DecoderOptions decoder;
  EmbeddingOptions embedding;
  OutputOptions output;
  LossOptions loss;
  SearchOptions search;
};

// Fields: "target", ragged, the target's ids with the end; and, unless nothing is copied, "copy_id", one a source
// token.
class Seq2SeqHead final : public Head {
 public:
  explicit Seq2SeqHead(const HeadOptions& options);

  HeadInput input() const override { return HeadInput::kAllTokens; }

  // Over the given targets, one row a sequence, padded with zeros to the longest target's T tokens: "log_probability"
  // [B, T]; "smoothing" and "coverage" [B, T] where the loss needs them; "states" [B, T, width], the decoder's.
  Outputs forward(const Encoded& encoded) override;
  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override;

  // "tokens" and "origins" [B, T] int64: the answer's ids, and for each the source token that it was copied from or -1;
  // both -1 after its end. "score" [B]: the logarithm of its probability.
  Outputs predict(const Encoded& encoded) override;

  // Of kGenerator: over the vocabulary. With copies, each sequence has words of its own, so there is no such table.
  at::Tensor log_probabilities(const Outputs& outputs, const Batch& batch) override;
  at::Tensor targets(const Batch& batch) override;

 private:
  Source read_source(const Encoded& encoded) const;
  OutputRows rows(const at::Tensor& states, const at::Tensor& inputs, const Layout& layout,
                  const Source& source) const {
    return {states, inputs, layout, source, embedding_->weight()};
  }

  HeadOptions options_;
  std::shared_ptr<TargetEmbedding> embedding_;
  std::shared_ptr<Decoder> decoder_;
  std::shared_ptr<OutputLayer> output_;
};

}  // namespace berth::seq2seq
