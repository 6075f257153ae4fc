#include "core/debias/bias_design.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding_bag.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sparse_coo_tensor.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <unordered_set>

namespace berth::debias {
namespace {

using Tokens = std::vector<std::int64_t>;

struct Texts {
  Tokens first;
  Tokens second;
};

constexpr std::int64_t kChunk = 256;

bool is_special(std::int64_t id, const DesignOptions& options) {
  return std::find(options.special_ids.begin(), options.special_ids.end(), id) != options.special_ids.end();
}

void for_each_feature(const data::FeatureStore& store, const DesignOptions& options,
                      const std::function<void(const Texts&)>& use) {
  for (std::int64_t from = 0; from < store.size(); from += kChunk) {
    const auto batch = store.pack_from(from, kChunk);
    const at::Tensor all_ids = batch->ids().cpu();
    const at::Tensor all_segments = batch->segments().cpu();
    const auto* ids = all_ids.const_data_ptr<std::int64_t>();
    const auto* segments = all_segments.const_data_ptr<std::int64_t>();
    const auto* offsets = batch->offsets().const_data_ptr<std::int64_t>();
    for (std::int64_t b = 0; b < batch->size(); ++b) {
      Texts texts;
      for (auto i = offsets[b]; i < offsets[b + 1]; ++i) {
        if (!is_special(ids[i], options)) (segments[i] == 0 ? texts.first : texts.second).push_back(ids[i]);
      }
      use(texts);
    }
  }
}

std::vector<double> overlap_of(const Texts& texts) {
  const auto& [first, second] = texts;
  const std::unordered_set<std::int64_t> known(first.begin(), first.end());
  const auto found = std::count_if(second.begin(), second.end(), [&](auto id) { return known.contains(id); });
  const bool is_run = std::search(first.begin(), first.end(), second.begin(), second.end()) != first.end();
  const auto length = static_cast<double>(second.size());
  return {found == std::ssize(second) ? 1.0 : 0.0, is_run ? 1.0 : 0.0,
          second.empty() ? 0.0 : static_cast<double>(found) / length,
          std::log((1 + static_cast<double>(first.size())) / (1 + length))};
}

at::Tensor overlap_design(const data::FeatureStore& store, const DesignOptions& options) {
  std::vector<double> values;
  for_each_feature(store, options, [&](const Texts& texts) {
    const auto row = overlap_of(texts);
    values.insert(values.end(), row.begin(), row.end());
  });
  return at::tensor(values, at::kDouble).view({store.size(), -1});
}

// A column for each token that occurs; 1 where the text has it.
at::Tensor bag_design(const data::FeatureStore& store, const DesignOptions& options) {
  std::map<std::int64_t, std::int64_t> columns;
  std::vector<std::int64_t> rows, places;
  std::int64_t row = 0;
  for_each_feature(store, options, [&](const Texts& texts) {
    for (const auto id : std::unordered_set<std::int64_t>(texts.second.begin(), texts.second.end())) {
      rows.push_back(row);
      places.push_back(columns.emplace(id, std::ssize(columns)).first->second);
    }
    ++row;
  });
  const at::Tensor indices = at::cat({at::tensor(rows, at::kLong), at::tensor(places, at::kLong)}).view({2, -1});
  return at::sparse_coo_tensor(indices, at::ones({std::ssize(rows)}, at::kDouble), {store.size(), std::ssize(columns)})
      .coalesce();
}

at::Tensor embeddings_design(const data::FeatureStore& store, const DesignOptions& options) {
  struct Bags {
    std::vector<std::int64_t> ids, offsets;
    void add(const Tokens& tokens) {
      offsets.push_back(std::ssize(ids));
      ids.insert(ids.end(), tokens.begin(), tokens.end());
    }
    at::Tensor mean(const at::Tensor& table) const {
      constexpr std::int64_t kMean = 1;
      return std::get<0>(
          at::embedding_bag(table, at::tensor(ids, at::kLong), at::tensor(offsets, at::kLong), false, kMean));
    }
  };
  Bags first, second;
  for_each_feature(store, options, [&](const Texts& texts) {
    first.add(texts.first);
    second.add(texts.second);
  });
  std::vector<at::Tensor> parts = {first.mean(options.word_embeddings)};
  if (!second.ids.empty()) parts.push_back(second.mean(options.word_embeddings));
  // Their scale is the model's own; the regression's penalty needs columns of one scale.
  constexpr double kLeastDeviation = 1e-12;
  const at::Tensor design = at::cat(parts, 1).to(at::kDouble);
  const at::Tensor deviation = design.std(at::IntArrayRef{0}, /*unbiased=*/false).clamp_min(kLeastDeviation);
  return (design - design.mean(0)) / deviation;
}

}  // namespace

void check_texts(const data::FeatureStore& store, const DesignOptions& options) {
  if (options.kind == suite::BiasKind::kEmbeddings) return;
  bool has_any = false;
  for_each_feature(store, options, [&](const Texts& texts) { has_any |= !texts.second.empty(); });
  if (has_any) return;
  throw Error(ErrorKind::kConfig,
              "the biased model reads the second of two texts, but no training example has one; set bias = "
              "\"embeddings\", which needs one text only");
}

at::Tensor bias_design(const data::FeatureStore& store, const DesignOptions& options) {
  switch (options.kind) {
    case suite::BiasKind::kOverlap:
      return overlap_design(store, options);
    case suite::BiasKind::kSecondText:
      return bag_design(store, options);
    case suite::BiasKind::kEmbeddings:
      break;
  }
  return embeddings_design(store, options);
}

}  // namespace berth::debias
