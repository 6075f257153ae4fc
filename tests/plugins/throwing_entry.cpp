// An entry function by hand that lets an exception out.
#include <stdexcept>

#include "make_minimal_task.h"

TEST_MANIFEST("throwing_entry");

TEST_ENTRY(char*, std::size_t) { throw std::runtime_error("the entry let this out"); }
