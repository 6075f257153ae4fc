// The dropout mask of a chunk of rows, drawn where it is used: forward and backward draw the same one.
#pragma once

#include <cstdint>
#include <vector>

#include "core/model/chunks.h"
#include "core/model/dropout.h"

namespace berth::model {

class RowMask {
 public:
  // `dropout` must outlive this.
  RowMask(const DropoutRun& dropout, std::int64_t width) : dropout_(dropout), width_(width) {
    if (dropout.p > 0) bytes_.resize(static_cast<std::size_t>(kChunkRows * width));
  }

  // Of at most kChunkRows rows; good until the next call. Null where nothing is dropped.
  const std::uint8_t* draw(std::int64_t first, std::int64_t rows) {
    if (bytes_.empty()) return nullptr;
    dropout_mask(bytes_.data(), first * width_, rows * width_, dropout_);
    return bytes_.data();
  }

 private:
  const DropoutRun& dropout_;
  std::int64_t width_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace berth::model
