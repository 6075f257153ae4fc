// What `berth run` does before and after training. Where several processes train together, all of them call what takes
// their group; process 0 writes and talks.
#pragma once

#include "core/distributed/group.h"
#include "core/report/console.h"
#include "core/report/run_folder.h"
#include "core/report/run_recorder.h"
#include "core/training/session.h"

namespace berth::app {

void describe_session(const training::Session& session, report::Console& console);

// The best checkpoint of each task, over all of its sets; training's last weights are in the session. recorder: null
// in all processes but 0. Throws evaluation::Stopped where the user has enough.
void evaluate_sets(training::Session& session, const report::RunFolder& folder, report::RunRecorder* recorder,
                   distributed::Group& group, report::Console& console);

// What training changed, by each task's best checkpoint. Takes the examples of the session's sets. False where the user
// has enough.
bool try_to_analyze(training::Session& session, const report::RunFolder& folder, report::Console& console);

// report.html, however the run ended. The run is what it is without one: that it can't be written is said.
void write_report(const report::RunFolder& folder, const suite::Suite& suite, report::Console& console);

}  // namespace berth::app
