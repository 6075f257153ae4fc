// Never ends being loaded.
#include <unistd.h>

#include "make_minimal_task.h"

TEST_MANIFEST("hangs");

namespace {
__attribute__((constructor)) void hang() {
  for (;;) ::pause();
}
}  // namespace

TEST_ENTRY(char*, std::size_t) noexcept { return make_minimal_task(); }
