// A text as weights of its tokens, order forgotten: what a linear model reads to set the floor that BERT must beat.
// Sublinear tf-idf, as scikit-learn's TfidfTransformer(sublinear_tf=True): (1 + log count) * (1 + log((1 + texts) / (1
// + texts with the token))), each text's weights of length 1 (Salton & Buckley 1988).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/diagnosis/samples.h"

namespace berth::diagnosis {

class BagOfWords {
 public:
  // Learns the tokens and how rare they are; `train` is the set that a model then is trained on.
  explicit BagOfWords(const SampleSet& train);

  // [samples, tokens of train] float64, sparse. Tokens that training had not count for nothing.
  at::Tensor rows(const SampleSet& set) const;

 private:
  std::unordered_map<std::int32_t, std::int64_t> column_of_;  // of each token
  std::vector<double> weights_;                               // of each column, by rarity
};

}  // namespace berth::diagnosis
