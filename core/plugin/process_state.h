// What a library can change in the whole process just by being loaded: a plugin built with -ffast-math turns on
// flush-to-zero, others bring signal handlers, a locale, a number of threads.
#pragma once

#include <signal.h>

#include <array>
#include <cstdint>
#include <locale>
#include <string>
#include <vector>

namespace berth::plugin {

class ProcessState {
 public:
  // As it is now, for the calling thread.
  static ProcessState capture();

  // Puts back what is different now; returns what that was: "the floating-point mode (flush-to-zero was turned on)".
  std::vector<std::string> restore() const;

 private:
  static constexpr int kSignals = 65;  // 1 .. 64 on Linux

  void restore_floating_point(std::vector<std::string>& changes) const;
  void restore_signals(std::vector<std::string>& changes) const;
  void restore_locale(std::vector<std::string>& changes) const;
  void restore_threads(std::vector<std::string>& changes) const;

  std::uint64_t floating_point_ = 0;
  std::array<struct sigaction, kSignals> handlers_{};
  std::array<bool, kSignals> has_handler_{};
  std::string c_locale_;
  std::locale cpp_locale_;
  int threads_ = 0;
};

}  // namespace berth::plugin
