#include "core/plugin/process_state.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <string.h>

#include <clocale>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace berth::plugin {
namespace {

// The bits that say how floating-point numbers are computed, without those that record what has happened.
#if defined(__x86_64__)
constexpr std::uint64_t kFlushBits = 0x8040;  // MXCSR: flush to zero, denormals are zero
constexpr std::uint64_t kSticky = 0x3f;

std::uint64_t read_floating_point() { return _mm_getcsr() & ~kSticky; }
void write_floating_point(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode | (_mm_getcsr() & kSticky))); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlushBits = std::uint64_t{1} << 24;  // FPCR.FZ

std::uint64_t read_floating_point() {
  std::uint64_t mode = 0;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void write_floating_point(std::uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
#error "Say how the floating-point mode is read here"
#endif

bool is_same_handler(const struct sigaction& a, const struct sigaction& b) {
  if ((a.sa_flags & SA_SIGINFO) != (b.sa_flags & SA_SIGINFO)) return false;
  return (a.sa_flags & SA_SIGINFO) != 0 ? a.sa_sigaction == b.sa_sigaction : a.sa_handler == b.sa_handler;
}

std::string current_c_locale() {
  const char* name = std::setlocale(LC_ALL, nullptr);
  return name != nullptr ? name : "";
}

}  // namespace

ProcessState ProcessState::capture() {
  ProcessState state;
  state.floating_point_ = read_floating_point();
  for (int i = 1; i < kSignals; ++i) {
    const auto at = static_cast<std::size_t>(i);
    state.has_handler_[at] = ::sigaction(i, nullptr, &state.handlers_[at]) == 0;
  }
  state.c_locale_ = current_c_locale();
  state.threads_ = at::get_num_threads();
  return state;
}

std::vector<std::string> ProcessState::restore() const {
  std::vector<std::string> changes;
  restore_floating_point(changes);
  restore_signals(changes);
  restore_locale(changes);
  restore_threads(changes);
  return changes;
}

void ProcessState::restore_floating_point(std::vector<std::string>& changes) const {
  const auto now = read_floating_point();
  if (now == floating_point_) return;
  write_floating_point(floating_point_);
  const bool is_flushing = (now & kFlushBits) != (floating_point_ & kFlushBits);
  changes.emplace_back(is_flushing ? "the floating-point mode (flush-to-zero, as -ffast-math sets it)"
                                   : "the floating-point mode");
}

void ProcessState::restore_signals(std::vector<std::string>& changes) const {
  for (int i = 1; i < kSignals; ++i) {
    const auto at = static_cast<std::size_t>(i);
    struct sigaction now {};
    if (!has_handler_[at] || ::sigaction(i, nullptr, &now) != 0 || is_same_handler(now, handlers_[at])) continue;
    ::sigaction(i, &handlers_[at], nullptr);
    const char* name = ::sigabbrev_np(i);
    changes.push_back(name != nullptr ? fmt::format("the handler of SIG{}", name)
                                      : fmt::format("the handler of signal {}", i));
  }
}

void ProcessState::restore_locale(std::vector<std::string>& changes) const {
  const auto now = current_c_locale();
  const std::locale cpp_now;
  if (now == c_locale_ && cpp_now == cpp_locale_) return;
  // Setting the global std::locale may set C's too, so that comes second.
  std::locale::global(cpp_locale_);
  std::setlocale(LC_ALL, c_locale_.c_str());
  changes.push_back(now != c_locale_ ? fmt::format("the locale ({}, was {})", now, c_locale_)
                                     : fmt::format("the C++ locale ({}, was {})", cpp_now.name(), cpp_locale_.name()));
}

void ProcessState::restore_threads(std::vector<std::string>& changes) const {
  const int now = at::get_num_threads();
  if (now == threads_) return;
  at::set_num_threads(threads_);
  changes.push_back(fmt::format("the number of threads ({}, was {})", now, threads_));
}

}  // namespace berth::plugin
