// A manifest without the entry function.
#include "make_minimal_task.h"

TEST_MANIFEST("no_entry");
