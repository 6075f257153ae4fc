// configs/reference.md, put into the program when it is built: `berth schema` takes its descriptions from there.
#pragma once

#include <string_view>

namespace berth::app {

extern const std::string_view kReferenceText;

}  // namespace berth::app
