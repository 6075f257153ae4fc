#include "crf.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

namespace berth::ner {
namespace {

// The sentences as a rectangle.
struct Rectangle {
  at::Tensor rows;     // [L, C]: of the emissions; the first sentence's first where a sentence is shorter
  at::Tensor is_word;  // [L, C] bool
};

Rectangle rectangle_of(const at::Tensor& lengths) {
  const at::Tensor begin = lengths.cumsum(0) - lengths;
  const at::Tensor step = at::arange(lengths.max().item<std::int64_t>(), lengths.options()).unsqueeze(1);
  const at::Tensor is_word = step < lengths;
  return {at::where(is_word, begin + step, at::zeros({}, lengths.options())), is_word};
}

// The score of the given tags, [C].
at::Tensor path_score(const CrfBatch& batch, const at::Tensor& tags, const CrfWeights& weights) {
  const std::int64_t sentences = batch.lengths.size(0);
  const at::Tensor sentence =
      at::arange(sentences, batch.lengths.options()).repeat_interleave(batch.lengths);  // [M], of each word
  const at::Tensor last = batch.lengths.cumsum(0) - 1;
  const at::Tensor first = last + 1 - batch.lengths;
  at::Tensor words = batch.emissions.gather(1, tags.unsqueeze(1)).squeeze(1);
  // The step into each word, but for first words.
  const at::Tensor steps = weights.transitions.flatten().index_select(
      0, tags.slice(0, 0, -1) * weights.transitions.size(1) + tags.slice(0, 1));
  const at::Tensor goes_on = (sentence.slice(0, 0, -1) == sentence.slice(0, 1)).to(steps.scalar_type());
  at::Tensor score = at::zeros({sentences}, words.options()).index_add(0, sentence, words);
  score = score.index_add(0, sentence.slice(0, 1), steps * goes_on);
  score = score + weights.start.index_select(0, tags.index_select(0, first)) * batch.opens.to(score.scalar_type());
  return score + weights.end.index_select(0, tags.index_select(0, last)) * batch.closes.to(score.scalar_type());
}

// log of the sum over all tag sequences of exp(score), [C]: the forward algorithm, all sentences in step.
at::Tensor log_partition(const CrfBatch& batch, const CrfWeights& weights) {
  const Rectangle rectangle = rectangle_of(batch.lengths);
  const std::int64_t steps = rectangle.rows.size(0);
  const std::int64_t sentences = rectangle.rows.size(1);
  const at::Tensor emissions =
      batch.emissions.index_select(0, rectangle.rows.flatten()).view({steps, sentences, batch.emissions.size(1)});
  const at::Tensor is_word = rectangle.is_word.unsqueeze(2);
  at::Tensor alpha = emissions[0] + weights.start * batch.opens.unsqueeze(1).to(emissions.scalar_type());
  for (std::int64_t step = 1; step < steps; ++step) {
    const at::Tensor next = at::logsumexp(alpha.unsqueeze(2) + weights.transitions, 1) + emissions[step];
    alpha = at::where(is_word[step], next, alpha);
  }
  return at::logsumexp(alpha + weights.end * batch.closes.unsqueeze(1).to(alpha.scalar_type()), 1);
}

}  // namespace

CrfWeights scheme_constraints(const kit::TagSet& tags) {
  const std::int64_t size = tags.size();
  CrfWeights weights{at::empty({size, size}, at::kDouble), at::empty({size}, at::kDouble),
                     at::empty({size}, at::kDouble)};
  auto* transitions = weights.transitions.mutable_data_ptr<double>();
  for (std::int64_t from = 0; from < size; ++from) {
    weights.start.mutable_data_ptr<double>()[from] = tags.may_begin(from) ? 0 : kForbidden;
    weights.end.mutable_data_ptr<double>()[from] = tags.may_end(from) ? 0 : kForbidden;
    for (std::int64_t to = 0; to < size; ++to) {
      transitions[from * size + to] = tags.may_follow(from, to) ? 0 : kForbidden;
    }
  }
  return weights;
}

at::Tensor crf_log_likelihood(const CrfBatch& batch, const at::Tensor& tags, const CrfWeights& weights) {
  return path_score(batch, tags, weights) - log_partition(batch, weights);
}

}  // namespace berth::ner
