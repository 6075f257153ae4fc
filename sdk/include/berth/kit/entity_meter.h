// Streaming precision, recall and F1 of entities, as seqeval (zero_division=0) and conlleval define them: an entity is
// right where its words and its type are.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "berth/kit/meters.h"
#include "berth/kit/tags.h"

namespace berth::kit {

// As the other meters (meters.h): state() and merge() carry the counts between processes.
class EntityMeter {
 public:
  // The true and the predicted entities of one sentence. No entity may stand twice in a list.
  void add(const std::vector<EntitySpan>& truth, const std::vector<EntitySpan>& predicted);

  std::int64_t sentences() const { return sentences_; }
  // Averages run over the types that were true or predicted at least once; macro is NaN where there is none. Without
  // sentences every score is NaN.
  AveragedPrecisionRecall averages() const;
  // NaN for a type that was neither true nor predicted.
  PrecisionRecall of(const std::string& type) const;

  std::string state() const;
  void merge(std::string_view state);  // throws Error kContent for what is no state of this meter

 private:
  struct Counts {
    std::int64_t both = 0;  // predicted as it is
    std::int64_t truth = 0;
    std::int64_t predicted = 0;
  };

  std::map<std::string, Counts> types_;
  std::int64_t sentences_ = 0;
};

}  // namespace berth::kit
