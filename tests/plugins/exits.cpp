// Ends the process while it is loaded, as if all were well.
#include <unistd.h>

#include "make_minimal_task.h"

TEST_MANIFEST("exits");

namespace {
__attribute__((constructor)) void leave() { ::_exit(0); }
}  // namespace

TEST_ENTRY(char*, std::size_t) noexcept { return make_minimal_task(); }
