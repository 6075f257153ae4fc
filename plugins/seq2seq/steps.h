// The head as search() sees it: a step at a time, with the keys and values of earlier steps kept.
#pragma once

#include <cstdint>
#include <vector>

#include "decoder.h"
#include "embedding.h"
#include "output.h"
#include "search.h"

namespace berth::seq2seq {

// The head's parts; they outlive the steps.
struct StepParts {
  const TargetEmbedding& embedding;
  const Decoder& decoder;
  const OutputLayer& output;
};

class DecoderSteps final : public StepModel {
 public:
  DecoderSteps(const StepParts& parts, Source source);

  at::Tensor step(const at::Tensor& tokens, const at::Tensor& parents) override;
  at::Tensor origins(const at::Tensor& rows, const at::Tensor& tokens) override;
  void keep(const at::Tensor& sequences) override;

 private:
  StepParts parts_;
  Source source_;
  std::int64_t extra_ = 0;  // copy ids beyond the vocabulary, over the whole batch
  std::int64_t length_ = 0;
  std::int64_t beams_ = 0;
  std::vector<LayerCache> caches_;
  OutputParts last_;     // of the last step
  at::Tensor copy_ids_;  // [R, L], of its rows
};

}  // namespace berth::seq2seq
