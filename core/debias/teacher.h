// The teacher of confidence regularisation: a plain run of the task, whose log-probabilities on the training set are
// computed once. Called by `berth run` between the start of the session and training, as it needs the plugins.
#pragma once

#include "core/training/session.h"

namespace berth::debias {

// Sets TaskSession::teacher, [features, classes], of each task that has one. Throws Error kConfig where the run lacks
// the task, or knows other labels or another vocabulary.
void ask_teachers(training::Session& session, const plugin::Registry& registry);

}  // namespace berth::debias
