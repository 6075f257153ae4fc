// Sequences of several heads on one pass of the encoder, for core/serve/joint_model: what several ask for is computed
// once. All layers but the last see all sequences as one packed batch. The last one runs once for each thing that heads
// read, on the sequences it is needed of, so that a head which reads the first token alone still costs less.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "berth/batch.h"
#include "core/data/feature_store.h"
#include "core/model/encoder.h"

namespace berth::serve {

class SharedPass {
 public:
  // encoder: outlives this.
  explicit SharedPass(const model::Encoder& encoder);

  // Returns the sequence's number; equal token and segment ids have the same. Before run().
  std::int64_t add(const Encoding& encoding, HeadInput input);

  // Without gradients. There must be a sequence.
  void run();

  // What the encoder makes of a batch of these sequences; each was added with this input. After run().
  model::EncoderOutput output(const std::vector<std::int64_t>& sequences, HeadInput input) const;

  std::int64_t sequences() const { return store_.size(); }
  std::int64_t tokens() const { return store_.tokens(); }

 private:
  // Of one HeadInput.
  struct Part {
    std::vector<std::int64_t> sequences;
    std::map<std::int64_t, std::int64_t> place;  // of a sequence among them
    std::vector<std::int64_t> offsets = {0};     // of their tokens, packed
    model::EncoderOutput output;
  };
  static constexpr std::array kInputs = {HeadInput::kFirstToken, HeadInput::kPooled, HeadInput::kAllTokens};

  Part& part(HeadInput input) { return parts_[static_cast<std::size_t>(input)]; }
  const Part& part(HeadInput input) const { return parts_.at(static_cast<std::size_t>(input)); }
  model::EncoderInput input_of(const Part& part, const model::EncoderInput& all) const;

  const model::Encoder& encoder_;
  data::FeatureStore store_;
  std::map<std::string, std::int64_t> known_;  // bytes of the ids -> sequence
  std::array<Part, kInputs.size()> parts_;
};

}  // namespace berth::serve
