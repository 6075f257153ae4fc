// What the biased model sees of each training feature, as a matrix of float64 numbers, [features, columns].
//
//   overlap      hand-made features of how the second text stands in the first, after those for HANS of Clark et al.
//                (2019): whether all of its tokens do, whether they do in a row, which share does, and both's lengths
//   second_text  which tokens the second text has: "hypothesis only" (Poliak et al. 2018; Gururangan et al. 2018)
//   embeddings   the mean of each text's pre-trained word embeddings, standardised: a bag of words for small sets
//
// Token ids and segments say it all, so that it is the same for every plugin. Special tokens count for nothing.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "core/data/feature_store.h"
#include "core/suite/suite.h"

namespace berth::debias {

struct DesignOptions {
  suite::BiasKind kind;
  std::vector<std::int64_t> special_ids;
  at::Tensor word_embeddings;  // [vocabulary, width], of kEmbeddings
};

// Throws Error kConfig where the kind needs second texts and no feature has one.
void check_texts(const data::FeatureStore& store, const DesignOptions& options);

at::Tensor bias_design(const data::FeatureStore& store, const DesignOptions& options);

}  // namespace berth::debias
