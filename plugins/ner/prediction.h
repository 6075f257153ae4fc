// The answer for one sentence: a tag a word, and the entities that these say.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "berth/kit/tags.h"
#include "berth/metric.h"
#include "chain.h"
#include "example.h"

namespace berth::ner {

struct PredictedEntity {
  kit::EntitySpan words;
  double probability = 0;  // that these words have these tags
  std::size_t start = 0;   // code points of the text, half-open
  std::size_t end = 0;
  std::string text;
};

class NerPrediction final : public Prediction {
 public:
  NerPrediction(const NerExample& example, std::shared_ptr<const kit::TagSet> tag_set, std::vector<std::int64_t> tags,
                std::vector<PredictedEntity> entities);

  const kit::TagSet& tag_set() const { return *tag_set_; }
  const std::vector<std::int64_t>& tags() const { return tags_; }  // one a word
  const std::vector<PredictedEntity>& entities() const { return entities_; }
  std::vector<kit::EntitySpan> spans() const;

  // {"prediction": [{"start": 0, "end": 5, "text": "Clara", "label": "person", "probability": 0.97}, ...]}, and
  // "predicted_tags" where the words came split.
  std::string json() const override;

 private:
  std::shared_ptr<const kit::TagSet> tag_set_;
  std::vector<std::int64_t> tags_;
  std::vector<PredictedEntity> entities_;
  bool came_split_;
};

// The scores of a sentence's words, put together from its windows.
struct WordScores {
  std::vector<std::size_t> words;  // those that have tokens, in order
  Emissions emissions;             // of these
};

// Chooses the tags with the highest score. A word without tokens gets O, or I where the words beside it are one
// entity's. strict: entities are read as seqeval's strict mode does, else as its default mode does.
std::unique_ptr<NerPrediction> predict(const NerExample& example, std::shared_ptr<const kit::TagSet> tag_set,
                                       const WordScores& scores, const ChainWeights& weights, bool strict);

}  // namespace berth::ner
