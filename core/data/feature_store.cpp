#include "core/data/feature_store.h"

#include <ATen/ops/empty.h>
#include <ATen/record_function.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

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
at::Tensor gather(const std::vector<T>& values, const std::vector<std::int64_t>& begin,
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

}  // namespace

FeatureStore::FeatureStore(std::vector<FieldSpec> specs, const at::TensorOptions& options, std::string owner)
    : dtype_(c10::typeMetaToScalarType(options.dtype())), device_(options.device()), owner_(std::move(owner)) {
  for (auto& spec : specs) {
    if (spec.width < 1 || (spec.width != 1 && spec.shape != FieldShape::kPerSequence)) {
      throw Error(ErrorKind::kPlugin,
                  fmt::format("{}, fields: '{}' has width {}; only kPerSequence may have another one than 1", owner_,
                              spec.name, spec.width));
    }
    columns_.push_back(Column{std::move(spec), {}, {}, {0}});
  }
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
  const bool has_targets = std::any_of(columns_.begin(), columns_.end(), [&](const Column& column) {
    return column.spec.role == FieldRole::kTarget && feature.fields.contains(column.spec.name);
  });
  if (!has_targets_) has_targets_ = has_targets;
  if (has_targets != *has_targets_) {
    throw Error(ErrorKind::kPlugin,
                fmt::format("{}, features: some sequences of a set have targets and some have none", owner_));
  }
  std::size_t expected = 0;
  for (auto& column : columns_) {
    if (!is_filled(column)) continue;
    ++expected;
    auto found = feature.fields.find(column.spec.name);
    if (found == feature.fields.end()) {
      throw Error(ErrorKind::kPlugin,
                  fmt::format("{}, features: the declared field '{}' is missing", owner_, column.spec.name));
    }
    add_field(column, found->second, length);
  }
  if (feature.fields.size() != expected) {
    throw Error(ErrorKind::kPlugin, fmt::format("{}, features: {} fields were set, {} are declared", owner_,
                                                feature.fields.size(), expected));
  }
  ids_.insert(ids_.end(), encoding.ids.begin(), encoding.ids.end());
  segments_.insert(segments_.end(), encoding.segments.begin(), encoding.segments.end());
  begin_.push_back(static_cast<std::int64_t>(ids_.size()));
}

void FeatureStore::clear() {
  ids_.clear();
  segments_.clear();
  begin_ = {0};
  for (auto& column : columns_) {
    column.integers.clear();
    column.reals.clear();
    column.begin = {0};
  }
}

void FeatureStore::add_field(Column& column, const FieldValues& values, std::int64_t length) {
  const auto& spec = column.spec;
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
  if (is_integer) {
    const auto& v = values_of<std::int64_t>(values);
    column.integers.insert(column.integers.end(), v.begin(), v.end());
  } else {
    const auto& v = values_of<double>(values);
    column.reals.insert(column.reals.end(), v.begin(), v.end());
  }
  column.begin.push_back(column.begin.back() + count);
}

PackedBatch::Field FeatureStore::pack_field(const Column& column, const std::vector<std::int64_t>& features) const {
  std::vector<std::int64_t> starts = {0};
  for (auto f : features) starts.push_back(starts.back() + column.begin[f + 1] - column.begin[f]);
  PackedBatch::Field field;
  field.values = column.spec.type == FieldType::kInt64
                     ? gather(column.integers, column.begin, features, starts, at::kLong)
                     : gather(column.reals, column.begin, features, starts, at::kDouble).to(dtype_);
  if (column.spec.shape == FieldShape::kPerSequence && column.spec.width != 1) {
    field.values = field.values.view({static_cast<std::int64_t>(features.size()), column.spec.width});
  }
  if (column.spec.shape == FieldShape::kRagged) {
    field.offsets = at::empty({static_cast<std::int64_t>(starts.size())}, at::kLong);
    std::copy(starts.begin(), starts.end(), field.offsets.mutable_data_ptr<std::int64_t>());
  }
  return field;
}

std::uint64_t FeatureStore::fingerprint() const {
  const auto of = [](const auto& values) {
    return training::hash_name({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(values[0])});
  };
  std::uint64_t result = training::mix({of(ids_), of(segments_), of(begin_)});
  for (const auto& column : columns_) {
    result = training::mix(
        {result, training::hash_name(column.spec.name), of(column.integers), of(column.reals), of(column.begin)});
  }
  return result;
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
  for (std::int64_t b = 0; b < count; ++b) {
    const auto from = begin_[features[b]];
    for (std::int64_t i = 0; i < offsets[b + 1] - offsets[b]; ++i) {
      ids[offsets[b] + i] = ids_[from + i];
      segments[offsets[b] + i] = segments_[from + i];
      positions[offsets[b] + i] = i;
    }
  }

  for (const auto& column : columns_) {
    if (is_filled(column)) contents.fields.emplace(column.spec.name, pack_field(column, features));
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
