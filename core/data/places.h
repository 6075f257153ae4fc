// Where each example of a set stands, in a few bytes each: known still when the examples themselves are gone, so that
// training can name those of a batch.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "berth/error.h"
#include "core/data/numbers.h"

namespace berth::data {

class Places {
 public:
  using Files = std::vector<std::pair<std::int64_t, std::string>>;  // each from this example on

  Places() = default;
  // What files() and lines() gave.
  Places(Files files, Numbers<std::int64_t> lines) : files_(std::move(files)), lines_(std::move(lines)) {}

  // Of the next example. Its column is not kept.
  void add(const Where& where);

  // example: from 0, in the order of add().
  Where of(std::int64_t example) const;

  const Files& files() const { return files_; }
  const Numbers<std::int64_t>& lines() const { return lines_; }  // of each example

 private:
  Files files_;
  Numbers<std::int64_t> lines_;
};

// "train.tsv, lines 3, 17, 40; more.tsv, line 1". Of more than `most` lines, the first ones and how many there are
// besides.
std::string describe(const std::vector<Where>& places, std::size_t most);

}  // namespace berth::data
