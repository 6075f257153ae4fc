// The features of one set, stored flat (a few bytes a token) in memory or in a mapped file, and the batches packed from
// them. Training and evaluation draw their batches here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/batch.h"
#include "core/data/numbers.h"
#include "core/data/packed_batch.h"

namespace berth::data {

// What a store holds.
struct FeatureArrays {
  struct Column {
    Numbers<std::int64_t> integers;     // of a kInt64 field
    Numbers<double> reals;              // of a kReal one
    Numbers<std::int64_t> begin = {0};  // [features + 1] into the values
  };

  Numbers<std::int32_t> ids;          // [tokens]
  Numbers<std::uint8_t> segments;     // [tokens]
  Numbers<std::int64_t> begin = {0};  // [features + 1] into them
  std::vector<Column> columns;        // one a field
  std::optional<bool> has_targets;    // nothing before the first feature
};

// hash_name() of each of them.
struct ArrayHashes {
  struct Column {
    std::uint64_t integers = 0;
    std::uint64_t reals = 0;
    std::uint64_t begin = 0;
  };

  std::uint64_t ids = 0;
  std::uint64_t segments = 0;
  std::uint64_t begin = 0;
  std::vector<Column> columns;
};

// What FeatureStore::fingerprint() makes of them.
std::uint64_t fingerprint_of(const std::vector<FieldSpec>& specs, const ArrayHashes& hashes);

class FeatureStore {
 public:
  // options: the type of kReal fields, and where batches are (but for what Batch has on the CPU). owner: for messages
  // ("task 'sst2' (plugin classification)").
  FeatureStore(std::vector<FieldSpec> specs, const at::TensorOptions& options, std::string owner);
  // Of arrays that stand elsewhere, and their fingerprint(). Nothing can be added to it.
  FeatureStore(std::vector<FieldSpec> specs, const at::TensorOptions& options, std::string owner, FeatureArrays arrays,
               std::uint64_t fingerprint);

  // Throws Error kPlugin for an empty sequence, vectors of differing lengths, and fields that don't match their
  // declaration. All features have targets, or none has; all have the input fields.
  void add(const Feature& feature);

  // Takes all features away. Whether these have targets holds on: it is one set, a part of it at a time.
  void clear();

  std::int64_t size() const { return static_cast<std::int64_t>(arrays_.begin.size()) - 1; }
  std::int64_t length(std::int64_t feature) const { return arrays_.begin[feature + 1] - arrays_.begin[feature]; }
  std::int64_t tokens() const { return arrays_.begin.back(); }
  std::int64_t first_token(std::int64_t feature) const { return arrays_.begin[feature]; }  // among tokens()
  const FeatureArrays& arrays() const { return arrays_; }

  // Of everything that the features hold: another one, another number.
  std::uint64_t fingerprint() const;

  // Packs these features end to end, in the order given.
  std::unique_ptr<Batch> pack(const std::vector<std::int64_t>& features) const;
  // `count` of them from `first` on, or those that are left.
  std::unique_ptr<Batch> pack_from(std::int64_t first, std::int64_t count) const;

 private:
  bool is_filled(const FieldSpec& spec) const {
    return arrays_.has_targets.value_or(false) || spec.role == FieldRole::kInput;
  }
  PackedBatch::Field pack_field(std::size_t field, const std::vector<std::int64_t>& features) const;
  void add_field(std::size_t field, const FieldValues& values, std::int64_t length);

  std::vector<FieldSpec> specs_;
  at::ScalarType dtype_;
  at::Device device_;
  std::string owner_;
  FeatureArrays arrays_;
  std::optional<std::uint64_t> fingerprint_;  // of arrays that are not held
};

}  // namespace berth::data
