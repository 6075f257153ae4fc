#include "apps/berth/threads.h"

#include <ATen/Parallel.h>

namespace berth::app {

void set_threads(const suite::Suite& suite) {
  if (suite.training.threads > 0) at::set_num_threads(static_cast<int>(suite.training.threads));
}

}  // namespace berth::app
