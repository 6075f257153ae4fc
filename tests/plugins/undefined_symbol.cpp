// Needs a function that nobody has, so the loader turns it down.
#include "make_minimal_task.h"

extern "C" void berth_tests_function_that_nobody_has();

TEST_MANIFEST("undefined_symbol");

TEST_ENTRY(char*, std::size_t) {
  berth_tests_function_that_nobody_has();
  return make_minimal_task();
}
