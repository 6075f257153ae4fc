// A task that can't be made, and the reason, as BERTH_PLUGIN's entry function reports it. The message fills the buffer
// without an end.
#include <algorithm>

#include "make_minimal_task.h"

TEST_MANIFEST("failing_task");

TEST_ENTRY(char* message, std::size_t size) {
  std::fill(message, message + size, 'x');
  return nullptr;
}
