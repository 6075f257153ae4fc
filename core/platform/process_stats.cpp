#include "core/platform/process_stats.h"

#include <sched.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace berth::platform {

double seconds_since_process_start() {
  // Field 22 of /proc/self/stat: start in clock ticks since boot. Fields are counted behind the name's closing bracket,
  // since the name may hold anything.
  std::ifstream in("/proc/self/stat");
  std::string text;
  std::getline(in, text);
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  double ticks = 0;
  if (!(std::istringstream(field) >> ticks)) return 0;
  const double started = ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9 - started;
}

std::int64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

bool is_bound_to_processors() {
  cpu_set_t own;
  CPU_ZERO(&own);
  return sched_getaffinity(0, sizeof(own), &own) == 0 && CPU_COUNT(&own) < sysconf(_SC_NPROCESSORS_ONLN);
}

}  // namespace berth::platform
