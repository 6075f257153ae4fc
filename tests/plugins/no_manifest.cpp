// A library that is no plugin; its constructor traps.
extern "C" __attribute__((visibility("default"))) void* berth_create_task(char*, unsigned long) { return nullptr; }

namespace {
__attribute__((constructor)) void trap() { __builtin_trap(); }
}  // namespace
