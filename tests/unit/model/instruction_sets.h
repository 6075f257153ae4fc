// A test's body for every instruction set that this CPU has: the portable one is what the others are held against.
#pragma once

#include <gtest/gtest.h>

#include "core/model/instruction_set.h"

namespace berth::testing {

template <typename F>
void for_instruction_sets(const F& f) {
  const auto best = model::best_instruction_set();
  for (const auto set : {model::InstructionSet::kPortable, model::InstructionSet::kV3, model::InstructionSet::kV4}) {
    if (set > best) continue;
    SCOPED_TRACE(::testing::Message() << "instruction set " << static_cast<int>(set));
    model::use_instruction_set(set);
    f();
  }
  model::use_instruction_set(best);
}

}  // namespace berth::testing
