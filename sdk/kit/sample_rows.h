// The rows of a sample, before anyone has looked at what its columns hold: which format, which separator, whether the
// first line is a header. Called by sample.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "berth/advisor.h"

namespace berth::kit {

enum class CellType : std::uint8_t { kScalar, kList, kObject };

struct RawTable {
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> rows;  // each as wide as `names`
  std::vector<CellType> types;                 // of JSON, a column each; else empty
  bool has_names = true;
  std::vector<std::pair<std::string, std::string>> data;  // what of ColumnOptions has to be set, as TOML
  std::string fault;                                      // see SampleRows
};

RawTable read_raw_table(const DataSample& sample);

}  // namespace berth::kit
