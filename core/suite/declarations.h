// All keys of a suite, each declared once.
#pragma once

#include "core/suite/section.h"
#include "core/suite/suite.h"

namespace berth::suite {

// Binds the keys to the suite's members, for reading and for writing.
void declare(Section& top, Suite& suite);

}  // namespace berth::suite
