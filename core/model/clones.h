// BERTH_CLONES: compiles a plain kernel for several instruction sets; the loader picks by what the CPU can do. Off
// under sanitizers, whose runtime is not up yet when the loader asks.
#pragma once

#if defined(__x86_64__) && __GNUC__ >= 12 && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define BERTH_CLONES(...) __attribute__((target_clones(__VA_ARGS__, "default")))
#else
#define BERTH_CLONES(...)
#endif
