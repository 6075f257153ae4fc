#include "core/diagnosis/bag_of_words.h"

#include <algorithm>
#include <cmath>

namespace berth::diagnosis {
namespace {

// call(token, count) for each different one; words are sorted.
template <typename Call>
void for_each_word(const Sample& sample, const Call& call) {
  for (auto word = sample.words.begin(); word != sample.words.end();) {
    const auto end = std::upper_bound(word, sample.words.end(), *word);
    call(*word, static_cast<double>(end - word));
    word = end;
  }
}

}  // namespace

BagOfWords::BagOfWords(const SampleSet& train) {
  for (const auto& sample : train.samples) {
    for_each_word(sample, [&](std::int32_t token, double) {
      const auto [found, is_new] = column_of_.try_emplace(token, static_cast<std::int32_t>(weights_.size()));
      if (is_new) weights_.push_back(0);
      ++weights_[static_cast<std::size_t>(found->second)];
    });
  }
  const auto texts = static_cast<double>(train.samples.size());
  for (double& weight : weights_) weight = 1 + std::log((1 + texts) / (1 + weight));
}

SparseRows BagOfWords::rows(const SampleSet& set) const {
  SparseRows rows;
  for (const auto& sample : set.samples) {
    double squares = 0;
    for_each_word(sample, [&](std::int32_t token, double count) {
      const auto found = column_of_.find(token);
      if (found == column_of_.end()) return;
      rows.columns.push_back(found->second);
      rows.values.push_back((1 + std::log(count)) * weights_[static_cast<std::size_t>(found->second)]);
      squares += rows.values.back() * rows.values.back();
    });
    for (auto i = rows.begin.back(); i < rows.values.size(); ++i) rows.values[i] /= std::sqrt(squares);
    rows.begin.push_back(rows.values.size());
  }
  return rows;
}

}  // namespace berth::diagnosis
