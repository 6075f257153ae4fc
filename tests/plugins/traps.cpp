// Ends the process while it is loaded.
#include "make_minimal_task.h"

TEST_MANIFEST("traps");

namespace {
__attribute__((constructor)) void trap() { __builtin_trap(); }
}  // namespace

TEST_ENTRY(char*, std::size_t) noexcept { return make_minimal_task(); }
