// The host's Batch: sequences packed end to end.
#pragma once

#include <map>
#include <string>

#include "berth/batch.h"

namespace berth::data {

class PackedBatch final : public Batch {
 public:
  struct Field {
    at::Tensor values;
    at::Tensor offsets;  // of a ragged field
  };
  struct Contents {
    at::Tensor ids, segments, offsets, positions;
    std::map<std::string, Field, std::less<>> fields;
  };

  explicit PackedBatch(Contents contents) : contents_(std::move(contents)) {}

  std::int64_t size() const override { return contents_.offsets.size(0) - 1; }
  std::int64_t tokens() const override { return contents_.ids.size(0); }
  const at::Tensor& ids() const override { return contents_.ids; }
  const at::Tensor& segments() const override { return contents_.segments; }
  const at::Tensor& offsets() const override { return contents_.offsets; }
  const at::Tensor& positions() const override { return contents_.positions; }
  bool has_field(std::string_view name) const override { return contents_.fields.contains(name); }
  const at::Tensor& field(std::string_view name) const override;
  const at::Tensor& field_offsets(std::string_view name) const override;

 private:
  Contents contents_;
};

}  // namespace berth::data
