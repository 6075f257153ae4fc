// The features of one set, stored flat (a few bytes a token), and the batches packed from them. Training and evaluation
// draw their batches here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/batch.h"
#include "core/data/packed_batch.h"

namespace berth::data {

class FeatureStore {
 public:
  // options: the type of kReal fields, and where batches are (but for what Batch has on the CPU). owner: for messages
  // ("task 'sst2' (plugin classification)").
  FeatureStore(std::vector<FieldSpec> specs, const at::TensorOptions& options, std::string owner);

  // Throws Error kPlugin for an empty sequence, vectors of differing lengths, and fields that don't match their
  // declaration. All features have targets, or none has; all have the input fields.
  void add(const Feature& feature);

  // Takes all features away. Whether these have targets holds on: it is one set, a part of it at a time.
  void clear();

  std::int64_t size() const { return static_cast<std::int64_t>(begin_.size()) - 1; }
  std::int64_t length(std::int64_t feature) const { return begin_[feature + 1] - begin_[feature]; }
  std::int64_t tokens() const { return begin_.back(); }
  std::int64_t first_token(std::int64_t feature) const { return begin_[feature]; }  // among tokens()

  // Of everything that the features hold: another one, another number.
  std::uint64_t fingerprint() const;

  // Packs these features end to end, in the order given.
  std::unique_ptr<Batch> pack(const std::vector<std::int64_t>& features) const;
  // `count` of them from `first` on, or those that are left.
  std::unique_ptr<Batch> pack_from(std::int64_t first, std::int64_t count) const;

 private:
  struct Column {
    FieldSpec spec;
    std::vector<std::int64_t> integers;
    std::vector<double> reals;
    std::vector<std::int64_t> begin = {0};  // [features + 1] into the values
  };

  bool is_filled(const Column& column) const {
    return has_targets_.value_or(false) || column.spec.role == FieldRole::kInput;
  }
  PackedBatch::Field pack_field(const Column& column, const std::vector<std::int64_t>& features) const;
  void add_field(Column& column, const FieldValues& values, std::int64_t length);

  at::ScalarType dtype_;
  at::Device device_;
  std::string owner_;
  std::vector<std::int32_t> ids_;
  std::vector<std::uint8_t> segments_;
  std::vector<std::int64_t> begin_ = {0};
  std::vector<Column> columns_;
  std::optional<bool> has_targets_;  // nothing before the first feature
};

}  // namespace berth::data
