// What no key of a suite can say by itself: keys that contradict each other or name tasks. Called once a suite is read.
#pragma once

#include "core/suite/suite.h"

namespace berth::suite {

// Throws Error kConfig at the key that is to be changed.
void settle(Suite& suite);

}  // namespace berth::suite
