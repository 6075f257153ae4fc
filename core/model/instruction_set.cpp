#include "core/model/instruction_set.h"

#include <atomic>
#include <cstdlib>

// MKL, from which LibTorch has its matrix products and vector functions on x86, takes its fastest code where this
// function of its own says that the processor is one of Intel's; to others it gives none for AVX-512, and for AVX2 some
// products alone. A program that defines it answers in its place, as long as the linker lets symbols of a library be
// replaced: elsewhere, and without MKL, nobody asks. Declared here, since no header of MKL does.
#ifdef __x86_64__
extern "C" __attribute__((visibility("default"))) int mkl_serv_intel_cpu_true();

int mkl_serv_intel_cpu_true() {
  __builtin_cpu_init();  // LibTorch may ask while it is loaded, before this program's own constructors have run
  if (__builtin_cpu_is("intel") != 0) return 1;
  if (std::getenv("BERTH_MKL_AS_IT_IS") != nullptr) return 0;
  return berth::model::best_instruction_set() == berth::model::InstructionSet::kPortable ? 0 : 1;
}
#endif

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
