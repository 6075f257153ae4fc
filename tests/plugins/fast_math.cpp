// Built with -ffast-math, which turns on flush-to-zero in whoever loads it (up to GCC 12; later ones are made to).
#include "make_minimal_task.h"

#if defined(__x86_64__) && __GNUC__ > 12
#include <xmmintrin.h>

namespace {
__attribute__((constructor)) void flush_to_zero() { _mm_setcsr(_mm_getcsr() | 0x8040); }
}  // namespace
#endif

TEST_MANIFEST("fast_math");

TEST_ENTRY(char*, std::size_t) { return make_minimal_task(); }
