// What the operating system knows of this process.
#pragma once

#include <cstdint>

namespace berth::platform {

double seconds_since_process_start();  // the loading of libraries included
std::int64_t peak_resident_bytes();
bool is_bound_to_processors();  // to some of the machine's, by whoever started it

}  // namespace berth::platform
