// Ctrl-C, SIGTERM and a terminal that goes away (SIGHUP) as a request to stop after the present step. A second Ctrl-C
// or SIGTERM ends the process at once.
#pragma once

namespace berth::app {

void catch_interrupts();
int interrupted_by();  // the signal, or 0
inline bool wants_stop() { return interrupted_by() != 0; }
// The exit code of a run that was interrupted, in this process or in another one of the run.
int interrupted_code();

}  // namespace berth::app
