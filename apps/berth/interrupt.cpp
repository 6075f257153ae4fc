#include "apps/berth/interrupt.h"

#include <unistd.h>

#include <csignal>

namespace berth::app {
namespace {

volatile std::sig_atomic_t g_signal = 0;

extern "C" void on_signal(int signal) {
  if (g_signal != 0) _exit(128 + signal);
  g_signal = signal;
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // Where the reader of the output is gone (`berth run | tee log`, and Ctrl-C reaches tee first), the run still ends in
  // order.
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

int interrupted_by() { return g_signal; }

}  // namespace berth::app
