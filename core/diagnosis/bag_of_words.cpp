#include "core/diagnosis/bag_of_words.h"

#include <ATen/ops/sparse_coo_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <iterator>

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
      const auto [found, is_new] = column_of_.try_emplace(token, static_cast<std::int64_t>(weights_.size()));
      if (is_new) weights_.push_back(0);
      ++weights_[static_cast<std::size_t>(found->second)];
    });
  }
  const auto texts = static_cast<double>(train.samples.size());
  for (double& weight : weights_) weight = 1 + std::log((1 + texts) / (1 + weight));
}

at::Tensor BagOfWords::rows(const SampleSet& set) const {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> columns;
  std::vector<double> values;
  const auto count = std::ssize(set.samples);
  for (std::int64_t row = 0; row < count; ++row) {
    const auto begin = values.size();
    double squares = 0;
    for_each_word(set.samples[static_cast<std::size_t>(row)], [&](std::int32_t token, double times) {
      const auto found = column_of_.find(token);
      if (found == column_of_.end()) return;
      rows.push_back(row);
      columns.push_back(found->second);
      values.push_back((1 + std::log(times)) * weights_[static_cast<std::size_t>(found->second)]);
      squares += values.back() * values.back();
    });
    for (auto i = begin; i < values.size(); ++i) values[i] /= std::sqrt(squares);
  }
  const at::Tensor places = at::stack({at::tensor(rows, at::kLong), at::tensor(columns, at::kLong)});
  return at::sparse_coo_tensor(places, at::tensor(values, at::kDouble), {count, std::ssize(weights_)}).coalesce();
}

}  // namespace berth::diagnosis
