// Predictions and the streaming metrics over them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "berth/dataset.h"
#include "berth/version.h"

namespace berth {
inline namespace v1 {

// The answer for one example. A task derives its own from this.
class BERTH_VISIBLE Prediction {
 public:
  virtual ~Prediction() = default;

  // A JSON object: `prediction`, and what else the task has to say (`probabilities`, `entities`...). The host adds the
  // input's fields and `task`.
  virtual std::string json() const = 0;
};

enum class Direction : std::uint8_t { kHigherIsBetter, kLowerIsBetter };

struct Score {
  std::string name;  // snake_case, e.g. "f1_macro"; of one class with ":CLASS" after it
  double value = 0;  // NaN where the data don't define it
  Direction direction = Direction::kHigherIsBetter;
  bool is_primary = false;  // exactly one score of a metric is what checkpoints are chosen by
};

// A further file about a set, beside its predictions: {"official.json", "..."} becomes TASK.SET.official.json.
struct ResultFile {
  std::string suffix;  // [a-z0-9_.-]+, not "jsonl" or "shown.json"
  std::string text;
};

// Sees examples of one set: in evaluation each once, in the order of the file; when resampling, some of them repeatedly
// and in any order; for a group, or for one process of several, a part. What order they come in and how parts are
// merged changes no score but for rounding; files() follows the order.
class BERTH_VISIBLE Metric {
 public:
  virtual ~Metric() = default;

  // Throws Error kContent for an example whose label is not known.
  virtual void add(const Example& example, const Prediction& prediction) = 0;

  // What was seen so far, as bytes, and another metric's added to this one's: merge(state()) of the parts gives what
  // one metric over the whole would. The other may be of another task of this plugin, whose labels are numbered
  // otherwise. Throws Error kContent for what is no state.
  virtual std::string state() const = 0;
  virtual void merge(std::string_view state) = 0;

  // At any time, also before the first add(): always the same names.
  virtual std::vector<Score> result() const = 0;

  // Formats that others read: what an official scorer takes, a table. Asked for once, after result().
  virtual std::vector<ResultFile> files() const { return {}; }
};

}  // namespace v1
}  // namespace berth
