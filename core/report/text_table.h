// A table for people: columns that are as wide as their widest cell.
#pragma once

#include <string>
#include <vector>

namespace berth::report {

// rows: the first one is the header; all have as many cells as it. Each line ends in a line feed.
std::string text_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace berth::report
