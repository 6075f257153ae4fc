// One row of a seq2seq set: a text, and the text that is to be made of it.
#pragma once

#include <optional>
#include <string>

#include "berth/kit/columns.h"

namespace berth::seq2seq {

class Seq2SeqExample : public kit::RecordExample {
 public:
  using RecordExample::RecordExample;

  std::string source;
  std::optional<std::string> target;  // absent in predict
};

}  // namespace berth::seq2seq
