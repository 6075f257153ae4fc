// What metrics.jsonl and summary.json say in the same words.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/debias/debiasing.h"
#include "core/evaluation/evaluator.h"

namespace berth::report {

using Json = nlohmann::ordered_json;

std::string version();  // berth's own, "1.0.0"

// {"accuracy": 0.5, ...}
Json scores_json(const evaluation::Evaluation& evaluation);

// {"GROUP": {"accuracy": 0.5, ...}, ...}; null where there are none.
Json groups_json(const evaluation::Evaluation& evaluation);

// One set of a task's entry in summary.json: its scores, and those of its groups where it has any.
void add_set(Json& entry, const std::string& set, const evaluation::Evaluation& evaluation);

// What training made of the debiasing's own numbers.
Json debiasing_json(const debias::Debiasing& debiasing);

}  // namespace berth::report
