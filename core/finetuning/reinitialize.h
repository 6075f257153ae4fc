// New random weights for the last layers and the pooler, whose pre-trained ones know more of the pre-training task than
// of language (Zhang et al. 2021, "Revisiting Few-sample BERT Fine-tuning", section 5). Called when a session starts.
#pragma once

#include "core/model/encoder.h"

namespace berth::finetuning {

// layers: how many of the last ones, 1 up to the encoder's. The values depend on the encoder's seed alone.
void reinitialize(model::Encoder& encoder, std::int64_t layers);

}  // namespace berth::finetuning
