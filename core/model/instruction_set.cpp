#include "core/model/instruction_set.h"

#include <atomic>

namespace berth::model {
namespace {

std::atomic<InstructionSet>& in_use() {
  static std::atomic<InstructionSet> set = best_instruction_set();
  return set;
}

}  // namespace

InstructionSet best_instruction_set() {
#ifdef __x86_64__
  const auto has_all = [](auto... features) { return (... && (features != 0)); };
  const bool v3 =
      has_all(__builtin_cpu_supports("avx2"), __builtin_cpu_supports("fma"), __builtin_cpu_supports("bmi2"));
  if (v3 &&
      has_all(__builtin_cpu_supports("avx512f"), __builtin_cpu_supports("avx512bw"), __builtin_cpu_supports("avx512cd"),
              __builtin_cpu_supports("avx512dq"), __builtin_cpu_supports("avx512vl"))) {
    return InstructionSet::kV4;
  }
  if (v3) return InstructionSet::kV3;
#endif
  return InstructionSet::kPortable;
}

InstructionSet instruction_set() { return in_use().load(std::memory_order_relaxed); }

void use_instruction_set(InstructionSet set) { in_use().store(set, std::memory_order_relaxed); }

}  // namespace berth::model
