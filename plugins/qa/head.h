// The head: one linear layer on every token that gives a score for "the answer starts here" and one for "it ends here",
// as transformers' BertForQuestionAnswering; and its loss.
#pragma once

#include "berth/kit/heads.h"

namespace berth::qa {

// "logits": [N, 2], start and end. Reads the fields "start" and "end", [B] each: positions in the sequence.
class QaHead final : public kit::LinearHead {
 public:
  // dropout: before the layer; BertForQuestionAnswering has none.
  QaHead(const EncoderInfo& encoder, double dropout);

  // Cross-entropy of the start over the tokens of its sequence, and of the end, both halved: divided by the count (the
  // number of sequences) it is BertForQuestionAnswering's on a batch without padding. There, padding takes part in the
  // softmax; here there is none.
  Loss loss(const Outputs& outputs, const Batch& batch, LossDetail detail) override;
};

}  // namespace berth::qa
