// Where each example of a set stands, in a few bytes each: known still when the examples themselves are gone, so that
// training can name those of a batch.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "berth/error.h"

namespace berth::data {

class Places {
 public:
  // Of the next example. Its column is not kept.
  void add(const Where& where);

  // example: from 0, in the order of add().
  Where of(std::int64_t example) const;

 private:
  std::vector<std::pair<std::int64_t, std::string>> files_;  // each from this example on
  std::vector<std::int64_t> lines_;                          // of each example
};

// "train.tsv, lines 3, 17, 40; more.tsv, line 1". Of more than `most` lines, the first ones and how many there are
// besides.
std::string describe(const std::vector<Where>& places, std::size_t most);

}  // namespace berth::data
