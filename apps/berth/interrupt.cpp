#include "apps/berth/interrupt.h"

#include <unistd.h>

#include <csignal>
#include <ctime>
#include <initializer_list>

#include "core/platform/temporary_folder.h"

namespace berth::app {
namespace {

volatile std::sig_atomic_t g_signal = 0;
volatile std::sig_atomic_t g_patience = 0;  // seconds in which a second signal counts as the first
volatile std::sig_atomic_t g_second = 0;    // when the first one came

std::sig_atomic_t now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::sig_atomic_t>(time.tv_sec);
}

extern "C" void on_signal(int signal) {
  // A terminal that goes away says so twice: by its shell, and by the kernel.
  if (g_signal != 0 && signal != SIGHUP && now() - g_second >= g_patience) {
    platform::remove_temporary_files();
    _exit(128 + signal);
  }
  if (g_signal != 0) return;
  g_second = now();
  g_signal = signal;
}

// Not what this process was told to ignore from its start: by nohup, or by a shell that put it into the background.
void catch_unless_ignored(int signal, const struct sigaction& action) {
  struct sigaction before {};
  sigaction(signal, nullptr, &before);
  if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
}

}  // namespace

void catch_interrupts(SecondSignal second) {
  g_patience = second == SecondSignal::kEndsLater ? 5 : 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) catch_unless_ignored(signal, action);
  // Where the reader of the output is gone (`berth run | tee log`, and Ctrl-C reaches tee first), the run still ends in
  // order.
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

int interrupted_by() { return g_signal; }

int interrupted_code() { return 128 + (wants_stop() ? interrupted_by() : SIGINT); }

}  // namespace berth::app
