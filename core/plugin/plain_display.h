// How the answers of a task without the ability Display are shown: as the JSON that they are. LoadedTask calls it.
#pragma once

#include <string>

#include "berth/display.h"

namespace berth::plugin {

struct PlainAnswer {
  std::string example;     // Example::json()
  std::string prediction;  // Prediction::json()
  std::string label;       // Task::label()
};

// The example's fields become texts, but for one that is just the label; `prediction` is the answer. Where that is a
// text and the label a single one, it is right if it equals the label. Of other answers nobody but the task knows
// whether they are right: they have no error. What is no JSON object is shown as it is.
Shown show_plainly(const PlainAnswer& answer);

}  // namespace berth::plugin
