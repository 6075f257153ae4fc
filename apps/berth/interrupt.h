// Ctrl-C, SIGTERM and a terminal that goes away (SIGHUP) as a request to stop after the present step. A second Ctrl-C
// or SIGTERM ends the process at once.
#pragma once

namespace berth::app {

// What a second one does: as a rule, end the process at once. One of several processes may get the same one from its
// launcher and from whoever signalled all of them, so that there it does so only after some seconds.
enum class SecondSignal { kEndsAtOnce, kEndsLater };

void catch_interrupts(SecondSignal second = SecondSignal::kEndsAtOnce);
int interrupted_by();  // the signal, or 0
inline bool wants_stop() { return interrupted_by() != 0; }
// The exit code of a run that was interrupted, in this process or in another one of the run.
int interrupted_code();

}  // namespace berth::app
