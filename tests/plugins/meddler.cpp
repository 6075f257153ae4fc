// Changes the process when it is loaded, and again when a task is made.
#include <ATen/Parallel.h>
#include <signal.h>

#include <clocale>

#include "make_minimal_task.h"

TEST_MANIFEST("meddler");

namespace {

void ignore(int) {}

__attribute__((constructor)) void meddle() {
  ::signal(SIGINT, ignore);
  ::signal(SIGSEGV, ignore);
  std::setlocale(LC_ALL, "C.UTF-8");
}

}  // namespace

TEST_ENTRY(char*, std::size_t) {
  at::set_num_threads(at::get_num_threads() + 1);
  return make_minimal_task();
}
