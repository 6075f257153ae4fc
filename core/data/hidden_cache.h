// What an encoder's fixed stages (frozen, and without dropout) make of every feature of a set: computed once, in the
// set's order and in packs that depend on nothing else, so that computing it again gives the same bits.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/data/feature_store.h"
#include "core/model/encoder.h"

namespace berth::data {

class HiddenCache {
 public:
  // stages: of Encoder::lower(), at least 1. pack_size: features that are encoded together; rows of a matrix product
  // depend, in their last bits, on how many there are. Computes all of it; calls `tick` before each pack, which may
  // throw to end it.
  HiddenCache(const FeatureStore& store, const model::Encoder& encoder, std::int64_t stages, std::int64_t pack_size,
              const std::function<void()>& tick);

  // The same set's, computed on from where this one ends: the bits that computing it whole would give. more: stages.
  HiddenCache continued(const model::Encoder& encoder, std::int64_t more, const std::function<void()>& tick) const;

  static std::int64_t bytes_needed(const FeatureStore& store, const model::Encoder& encoder);

  std::int64_t stages() const { return stages_; }

  // [tokens of these features, width] where the encoder is, in the order of FeatureStore::pack().
  at::Tensor pack(const std::vector<std::int64_t>& features) const;
  // Of FeatureStore::pack_from(): a view, on the processor.
  at::Tensor pack_from(std::int64_t first, std::int64_t count) const;

 private:
  void fill(const model::Encoder& encoder, const HiddenCache* below, const std::function<void()>& tick);

  const FeatureStore& store_;
  std::int64_t stages_;
  std::int64_t pack_size_;
  at::Device device_;  // the encoder's
  at::Tensor hidden_;  // [all tokens, width] on the CPU
};

}  // namespace berth::data
