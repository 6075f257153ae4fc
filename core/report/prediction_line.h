// One line of a predictions file, and of `berth predict`.
#pragma once

#include <string>

namespace berth::report {

// The input's fields, then `task`, then what the task says of it (`prediction`...); a key of the task wins over the
// input's. input, prediction: JSON objects. The result has no line feed.
std::string prediction_line(const std::string& input, const std::string& task, const std::string& prediction);

}  // namespace berth::report
