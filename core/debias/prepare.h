// From [tasks.NAME.debias] to a Debiasing: asks the head what it can say, trains the biased model, takes in what the
// teacher thinks. `berth run` checks, the trainer prepares before the first step.
#pragma once

#include <memory>

#include "core/debias/debiasing.h"
#include "core/training/session.h"

namespace berth::debias {

// Throws Error kConfig where the task has not what the method needs: one counted label a sequence, class probabilities,
// plain cross-entropy, a second text. Cheap, for before a run has a folder.
void check(const training::Session& session, const training::TaskSession& task);

// Null where the head's own loss is to be learned from. Throws as check() does, but for second texts.
std::unique_ptr<Debiasing> prepare(const training::Session& session, const training::TaskSession& task);

}  // namespace berth::debias
