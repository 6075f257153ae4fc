// Makes no task and gives no reason.
#include "make_minimal_task.h"

TEST_MANIFEST("silent_entry");

TEST_ENTRY(char*, std::size_t) { return nullptr; }
