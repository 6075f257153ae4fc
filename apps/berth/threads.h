// Sets LibTorch's threads from a suite before anything is computed.
#pragma once

#include "core/suite/suite.h"

namespace berth::app {

void set_threads(const suite::Suite& suite);

}  // namespace berth::app
