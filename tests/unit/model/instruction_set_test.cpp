// MKL takes of this processor what the kernels take.
#include "core/model/instruction_set.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <bit>
#include <cstdlib>

namespace {

using namespace berth::model;

// As mkl_types.h has them: MKL's names for kinds of code.
constexpr int kMklAvx2 = 10;
constexpr int kMklAvx512 = 12;

TEST(InstructionSet, MklUsesWhatTheKernelsUse) {
  if (std::getenv("BERTH_MKL_AS_IT_IS") != nullptr) GTEST_SKIP() << "told not to";
  at::mm(at::ones({8, 8}), at::ones({8, 8}));  // before its first product it has chosen nothing
  void* const asked = dlsym(RTLD_DEFAULT, "mkl_serv_cbwr_get_auto_branch");  // mkl_cbwr_get_auto_branch()
  if (asked == nullptr) GTEST_SKIP() << "this LibTorch shows no MKL";
  const int code = std::bit_cast<int (*)()>(asked)();
  switch (best_instruction_set()) {
    case InstructionSet::kV4:
      EXPECT_GE(code, kMklAvx512);
      break;
    case InstructionSet::kV3:
      EXPECT_GE(code, kMklAvx2);
      break;
    case InstructionSet::kPortable:
      GTEST_SKIP() << "an old processor";
  }
}

}  // namespace
