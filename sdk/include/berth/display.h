// How an answer is shown to people: in report.html and on the page of `berth serve`. An ability of a task, since
// SDK 1.1; the answers of a task without it are shown as the JSON that they are.
//
//   class StanceTask final : public Task, public Display {
//     Shown show(const Example& example, const Prediction& prediction) const override;
//   };
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "berth/dataset.h"
#include "berth/metric.h"
#include "berth/version.h"

namespace berth {
inline namespace v1 {

enum class MarkKind : std::uint8_t {
  kAnswer,  // what the task found
  kTruth,   // what it should have found
  kSource,  // what a part of the answer was taken from
};

// A stretch of a text that is set off from the rest. Marks may overlap.
struct Mark {
  std::size_t begin = 0;  // bytes of the UTF-8 text, half-open
  std::size_t end = 0;
  MarkKind kind = MarkKind::kAnswer;
  std::string label;      // "person"; may be empty
  std::int64_t link = 0;  // marks of one example with the same number above 0 belong together: a word and its copy
};

struct ShownText {
  std::string title;  // "text", "question": the field's name
  std::string text;
  std::vector<Mark> marks;
};

// One thing that was decided: the label of a text, of an entity. What confusion matrices and calibration are made of.
struct Decision {
  std::string truth;   // a class, of which there are few; "" for nothing (an entity that there is not)
  std::string answer;  // likewise
  bool is_right = false;
  double confidence = std::numeric_limits<double>::quiet_NaN();  // probability given to `answer`; NaN: not known
};

struct Shown {
  std::vector<ShownText> texts;  // in the order to read them in; an answer that is a text of its own comes last
  std::string answer;            // in a word or a sentence
  std::string truth;             // likewise; "" where it is not known
  double error = 0;              // 0: right. Where it is wrong, more is worse; errors of one task are compared
  std::string reason;            // what is wrong, in a sentence for people; "" where it is right or not known
  std::vector<Decision> decisions;
};

class BERTH_VISIBLE Display {
 public:
  virtual ~Display() = default;

  // Of an example, with or without its label, and the task's own prediction for it. From several threads at once.
  virtual Shown show(const Example& example, const Prediction& prediction) const = 0;
};

}  // namespace v1
}  // namespace berth
