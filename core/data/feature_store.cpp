#include "core/data/feature_store.h"

#include <ATen/ops/empty.h>
#include <ATen/record_function.h>
#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <numeric>
#include <span>

#include "berth/error.h"
#include "core/data/packed_batch.h"
#include "core/device/device.h"
#include "core/training/random.h"

namespace berth::data {
namespace {

template <typename T>
const std::vector<T>& values_of(const FieldValues& values) {
  return std::get<std::vector<T>>(values);
}

// Copies the features' values end to end; starts[b] is where sequence b's begin.
template <typename T>
at::Tensor gather(std::span<const T> values, std::span<const std::int64_t> begin,
                  const std::vector<std::int64_t>& features, const std::vector<std::int64_t>& starts,
                  at::ScalarType dtype) {
  at::Tensor packed = at::empty({starts.back()}, dtype);
  for (std::size_t b = 0; b < features.size(); ++b) {
    std::copy_n(values.data() + begin[features[b]], starts[b + 1] - starts[b],
                packed.mutable_data_ptr<T>() + starts[b]);
  }
  return packed;
}

std::size_t value_count(const FieldValues& values) {
  return std::visit([](const auto& v) { return v.size(); }, values);
}

template <typename T>
std::uint64_t hash_of(const Numbers<T>& numbers) {
  const auto bytes = std::as_bytes(numbers.all());
  return training::hash_name({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

std::uint64_t fingerprint_of(const std::vector<FieldSpec>& specs, const ArrayHashes& hashes) {
  std::uint64_t result = training::mix({hashes.ids, hashes.segments, hashes.begin});
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto& column = hashes.columns[i];
    result = training::mix({result, training::hash_name(specs[i].name), column.integers, column.reals, column.begin});
  }
  return result;
}

FeatureStore::FeatureStore(std::vector<FieldSpec> specs, const at::TensorOptions& options, std::string owner)
    : specs_(std::move(specs)),
      dtype_(c10::typeMetaToScalarType(options.dtype())),
      device_(options.device()),
      owner_(std::move(owner)) {
  for (const auto& spec : specs_) {
    if (spec.width < 1 || (spec.width != 1 && spec.shape != FieldShape::kPerSequence)) {
      throw Error(ErrorKind::kPlugin,
                  fmt::format("{}, fields: '{}' has width {}; only kPerSequence may have another one than 1", owner_,
                              spec.name, spec.width));
    }
  }
  arrays_.columns.resize(specs_.size());
}

FeatureStore::FeatureStore(std::vector<FieldSpec> specs, const at::TensorOptions& options, std::string owner,
                           FeatureArrays arrays, std::uint64_t fingerprint)
    : FeatureStore(std::move(specs), options, std::move(owner)) {
  assert(arrays.columns.size() == specs_.size());
  arrays_ = std::move(arrays);
  fingerprint_ = fingerprint;
}

void FeatureStore::add(const Feature& feature) {
  const auto& encoding = feature.encoding;
  const auto length = static_cast<std::int64_t>(encoding.ids.size());
  if (length == 0 || encoding.segments.size() != encoding.ids.size()) {
    throw Error(ErrorKind::kPlugin,
                fmt::format("{}, features: a sequence has {} ids and {} segments; there must be at least one token and "
                            "a segment for each",
                            owner_, length, encoding.segments.size()));
  }
  const bool has_targets = std::any_of(specs_.begin(), specs_.end(), [&](const FieldSpec& spec) {
    return spec.role == FieldRole::kTarget && feature.fields.contains(spec.name);
  });
  if (!arrays_.has_targets) arrays_.has_targets = has_targets;
  if (has_targets != *arrays_.has_targets) {
    throw Error(ErrorKind::kPlugin,
                fmt::format("{}, features: some sequences of a set have targets and some have none", owner_));
  }
  std::size_t expected = 0;
  for (std::size_t i = 0; i < specs_.size(); ++i) {
    if (!is_filled(specs_[i])) continue;
    ++expected;
    auto found = feature.fields.find(specs_[i].name);
    if (found == feature.fields.end()) {
      throw Error(ErrorKind::kPlugin,
                  fmt::format("{}, features: the declared field '{}' is missing", owner_, specs_[i].name));
    }
    add_field(i, found->second, length);
  }
  if (feature.fields.size() != expected) {
    throw Error(ErrorKind::kPlugin, fmt::format("{}, features: {} fields were set, {} are declared", owner_,
                                                feature.fields.size(), expected));
  }
  auto& ids = arrays_.ids.held();
  auto& segments = arrays_.segments.held();
  ids.insert(ids.end(), encoding.ids.begin(), encoding.ids.end());
  segments.insert(segments.end(), encoding.segments.begin(), encoding.segments.end());
  arrays_.begin.held().push_back(static_cast<std::int64_t>(ids.size()));
}

void FeatureStore::clear() {
  arrays_.ids.held().clear();
  arrays_.segments.held().clear();
  arrays_.begin.held() = {0};
  for (auto& column : arrays_.columns) {
    column.integers.held().clear();
    column.reals.held().clear();
    column.begin.held() = {0};
  }
}

void FeatureStore::add_field(std::size_t field, const FieldValues& values, std::int64_t length) {
  const auto& spec = specs_[field];
  const auto count = static_cast<std::int64_t>(value_count(values));
  const std::int64_t expected = spec.shape == FieldShape::kPerSequence ? spec.width
                                : spec.shape == FieldShape::kPerToken  ? length
                                                                       : count;
  if (count != expected) {
    throw Error(ErrorKind::kPlugin,
                fmt::format("{}, features: field '{}' has {} values, expected {}", owner_, spec.name, count, expected));
  }
  const bool is_integer = std::holds_alternative<std::vector<std::int64_t>>(values);
  if (is_integer != (spec.type == FieldType::kInt64)) {
    throw Error(ErrorKind::kPlugin,
                fmt::format("{}, features: field '{}' is declared as {} but holds {}", owner_, spec.name,
                            is_integer ? "real" : "integer", is_integer ? "integers" : "reals"));
  }
  auto& column = arrays_.columns[field];
  if (is_integer) {
    const auto& v = values_of<std::int64_t>(values);
    column.integers.held().insert(column.integers.held().end(), v.begin(), v.end());
  } else {
    const auto& v = values_of<double>(values);
    column.reals.held().insert(column.reals.held().end(), v.begin(), v.end());
  }
  column.begin.held().push_back(column.begin.back() + count);
}

PackedBatch::Field FeatureStore::pack_field(std::size_t place, const std::vector<std::int64_t>& features) const {
  const auto& spec = specs_[place];
  const auto& column = arrays_.columns[place];
  const auto begin = column.begin.all();
  std::vector<std::int64_t> starts = {0};
  for (auto f : features) starts.push_back(starts.back() + begin[f + 1] - begin[f]);
  PackedBatch::Field field;
  field.values = spec.type == FieldType::kInt64
                     ? gather(column.integers.all(), begin, features, starts, at::kLong)
                     : gather(column.reals.all(), begin, features, starts, at::kDouble).to(dtype_);
  if (spec.shape == FieldShape::kPerSequence && spec.width != 1) {
    field.values = field.values.view({static_cast<std::int64_t>(features.size()), spec.width});
  }
  if (spec.shape == FieldShape::kRagged) {
    field.offsets = at::empty({static_cast<std::int64_t>(starts.size())}, at::kLong);
    std::copy(starts.begin(), starts.end(), field.offsets.mutable_data_ptr<std::int64_t>());
  }
  return field;
}

std::uint64_t FeatureStore::fingerprint() const {
  if (fingerprint_) return *fingerprint_;
  ArrayHashes hashes{hash_of(arrays_.ids), hash_of(arrays_.segments), hash_of(arrays_.begin), {}};
  for (const auto& column : arrays_.columns) {
    hashes.columns.push_back({hash_of(column.integers), hash_of(column.reals), hash_of(column.begin)});
  }
  return fingerprint_of(specs_, hashes);
}

std::unique_ptr<Batch> FeatureStore::pack(const std::vector<std::int64_t>& features) const {
  RECORD_USER_SCOPE("berth: packing");
  const auto count = static_cast<std::int64_t>(features.size());
  PackedBatch::Contents contents;
  contents.offsets = at::empty({count + 1}, at::kLong);
  auto* offsets = contents.offsets.mutable_data_ptr<std::int64_t>();
  offsets[0] = 0;
  for (std::int64_t b = 0; b < count; ++b) offsets[b + 1] = offsets[b] + length(features[b]);

  contents.ids = at::empty({offsets[count]}, at::kLong);
  contents.segments = at::empty({offsets[count]}, at::kLong);
  contents.positions = at::empty({offsets[count]}, at::kLong);
  auto* ids = contents.ids.mutable_data_ptr<std::int64_t>();
  auto* segments = contents.segments.mutable_data_ptr<std::int64_t>();
  auto* positions = contents.positions.mutable_data_ptr<std::int64_t>();
  const auto all_ids = arrays_.ids.all();
  const auto all_segments = arrays_.segments.all();
  for (std::int64_t b = 0; b < count; ++b) {
    const auto from = first_token(features[b]);
    for (std::int64_t i = 0; i < offsets[b + 1] - offsets[b]; ++i) {
      ids[offsets[b] + i] = all_ids[from + i];
      segments[offsets[b] + i] = all_segments[from + i];
      positions[offsets[b] + i] = i;
    }
  }

  for (std::size_t i = 0; i < specs_.size(); ++i) {
    if (is_filled(specs_[i])) contents.fields.emplace(specs_[i].name, pack_field(i, features));
  }
  for (auto* tensor : {&contents.ids, &contents.segments, &contents.positions}) {
    *tensor = device::copy_to(*tensor, device_);
  }
  for (auto& [name, field] : contents.fields) field.values = device::copy_to(field.values, device_);
  return std::make_unique<PackedBatch>(std::move(contents));
}

std::unique_ptr<Batch> FeatureStore::pack_from(std::int64_t first, std::int64_t count) const {
  std::vector<std::int64_t> features(static_cast<std::size_t>(std::min(count, size() - first)));
  std::iota(features.begin(), features.end(), first);
  return pack(features);
}

}  // namespace berth::data
