// Which instructions the kernels use: chosen once, by what the CPU can do. Code for each stands side by side in one
// binary. MKL is told of best_instruction_set(): left alone, it goes by the maker, and uses half of what another
// maker's processor can do.
#pragma once

#include <cstdint>

namespace berth::model {

enum class InstructionSet : std::uint8_t {
  kPortable,  // what the compiler may use anywhere
  kV3,        // x86-64-v3: AVX2 and fused multiply-adds
  kV4,        // x86-64-v4: AVX-512
};

// The best one of this CPU.
InstructionSet best_instruction_set();

// The one in use, and to use another, which the CPU has to have; for tests, which hold one against the other. Not while
// kernels run.
InstructionSet instruction_set();
void use_instruction_set(InstructionSet set);

}  // namespace berth::model
