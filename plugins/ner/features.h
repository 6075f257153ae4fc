// From a sentence to what the encoder reads: its words in one sequence or in several windows, which token speaks for
// which word, and the tags to learn.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "berth/batch.h"
#include "berth/kit/tags.h"
#include "berth/tokenizer.h"
#include "example.h"

namespace berth::ner {

// The fields of a feature.
inline constexpr const char* kTag = "tag";        // target, one a token: its tag's number, or kNoTag
inline constexpr const char* kScored = "scored";  // input, one a token: 1 where it speaks for its word here, else 0
inline constexpr const char* kEdges = "edges";    // input, two a sequence: 1 where the sentence's first word is scored
                                                  // here, and where its last one is, else 0
inline constexpr std::int64_t kNoTag = -100;

std::vector<FieldSpec> feature_fields();

struct FeatureOptions {
  std::int64_t stride = -1;   // tokens that windows share; negative: a quarter of the sequence
  std::int64_t context = 0;   // at most so many tokens of the neighbouring sentences, on each side
  bool all_subwords = false;  // a word's further tokens learn a tag, too
};

// A token of a window.
struct Place {
  std::size_t window = 0;
  std::size_t token = 0;
};

// By word: the token through which it speaks; nothing for a word that the tokenizer leaves nothing of.
using Places = std::vector<std::optional<Place>>;

class FeatureMaker {
 public:
  FeatureMaker(const FeatureOptions& options, std::shared_ptr<const kit::TagSet> tags)
      : options_(options), tags_(std::move(tags)) {}

  // A word speaks through its first token, in the one window where that has most context on its nearer side (the first
  // of equal ones). Windows in which no word speaks are left out, but for a sentence without any. Encoding::words of
  // the features counts the example's words; context tokens belong to none.
  std::vector<Feature> make(const NerExample& example, const Tokenizer& tokenizer, std::int64_t max_length) const;

 private:
  void check_type(const kit::EntitySpan& entity, const NerExample& example) const;
  void set_targets(std::vector<Feature>& features, const Places& places, const NerExample& example) const;

  FeatureOptions options_;
  std::shared_ptr<const kit::TagSet> tags_;
};

}  // namespace berth::ner
