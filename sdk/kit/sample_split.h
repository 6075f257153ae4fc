// A sample cut into rows and fields by one separator: what open_rows() would read, or as much of it as is sound. Called
// by sample_rows.cpp, which tries several separators.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "berth/advisor.h"

namespace berth::kit {

constexpr std::size_t kMaxSampleRows = 100000;

using SplitRows = std::vector<std::vector<std::string>>;

struct Reading {
  std::string format;  // as it was given
  bool is_quoted = false;
  SplitRows rows;
  std::size_t width = 0;  // of most rows
  double agreement = 0;   // share of the rows that are as wide

  // At least two columns, in which most rows agree.
  bool is_table() const { return width >= 2 && agreement >= 0.8; }
};

// format: "" for a separator that open_rows() doesn't know. TSV is read with quotes where it has some and they are
// sound.
Reading read_with(const DataSample& sample, char separator, const std::string& format);

}  // namespace berth::kit
