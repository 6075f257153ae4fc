#include "prediction.h"

#include <algorithm>
#include <utility>

#include "berth/kit/json.h"
#include "words.h"

namespace berth::ner {
namespace {

// From the words that have tokens to all words.
std::vector<std::int64_t> spread(const std::vector<std::int64_t>& chosen, const std::vector<std::size_t>& words,
                                 std::size_t count, const kit::TagSet& tag_set) {
  std::vector<std::int64_t> tags(count, 0);
  for (std::size_t i = 0; i < words.size(); ++i) {
    tags[words[i]] = chosen[i];
    const kit::Tag tag = tag_set.tag(chosen[i]);
    if (i == 0 || words[i] == words[i - 1] + 1 || (tag.prefix != 'I' && tag.prefix != 'E')) continue;
    const kit::Tag previous = tag_set.tag(chosen[i - 1]);
    if (previous.type != tag.type || (previous.prefix != 'B' && previous.prefix != 'I')) continue;
    const std::int64_t inside = previous.prefix == 'B' ? chosen[i - 1] + 1 : chosen[i - 1];
    std::fill(tags.begin() + static_cast<std::ptrdiff_t>(words[i - 1] + 1),
              tags.begin() + static_cast<std::ptrdiff_t>(words[i]), inside);
  }
  return tags;
}

}  // namespace

NerPrediction::NerPrediction(const NerExample& example, std::shared_ptr<const kit::TagSet> tag_set,
                             std::vector<std::int64_t> tags, std::vector<PredictedEntity> entities)
    : tag_set_(std::move(tag_set)),
      tags_(std::move(tags)),
      entities_(std::move(entities)),
      came_split_(example.came_split) {
  if (entities_.empty()) return;
  const CodePoints code_points(example.text);
  for (PredictedEntity& entity : entities_) {
    const std::uint32_t begin = example.places[entity.words.begin].begin;
    const std::uint32_t end = example.places[entity.words.end - 1].end;
    entity.start = code_points.code_point(begin);
    entity.end = code_points.code_point(end);
    entity.text = example.text.substr(begin, end - begin);
  }
}

std::vector<kit::EntitySpan> NerPrediction::spans() const {
  std::vector<kit::EntitySpan> spans;
  for (const PredictedEntity& entity : entities_) spans.push_back(entity.words);
  return spans;
}

std::string NerPrediction::json() const {
  kit::Json::Array entities;
  for (const PredictedEntity& entity : entities_) {
    entities.emplace_back(kit::Json::Object{{"start", entity.start},
                                            {"end", entity.end},
                                            {"text", entity.text},
                                            {"label", entity.words.type},
                                            {"probability", entity.probability}});
  }
  kit::Json object;
  object.set("prediction", std::move(entities));
  if (came_split_) {
    kit::Json::Array tags;
    for (const std::int64_t tag : tags_) tags.emplace_back(kit::to_string(tag_set_->tag(tag)));
    object.set("predicted_tags", std::move(tags));
  }
  return kit::dump_json(object);
}

std::unique_ptr<NerPrediction> predict(const NerExample& example, std::shared_ptr<const kit::TagSet> tag_set,
                                       const WordScores& scores, const ChainWeights& weights, bool strict) {
  const std::vector<std::int64_t> chosen = best_tags(scores.emissions, weights);
  std::vector<std::int64_t> tags = spread(chosen, scores.words, example.words.size(), *tag_set);
  const std::vector<kit::Tag> written = tag_set->tags(tags);
  const std::vector<kit::EntitySpan> spans =
      strict ? kit::read_entities_strictly(written, tag_set->scheme()) : kit::read_entities(written);
  std::vector<PredictedEntity> entities;
  if (!spans.empty()) {
    const Marginals marginals(scores.emissions, weights);
    const auto index = [&](std::size_t word) {
      return static_cast<std::size_t>(std::lower_bound(scores.words.begin(), scores.words.end(), word) -
                                      scores.words.begin());
    };
    for (const kit::EntitySpan& span : spans) {
      PredictedEntity entity;
      entity.words = span;
      entity.probability = marginals.of(chosen, index(span.begin), index(span.end));
      entities.push_back(std::move(entity));
    }
  }
  return std::make_unique<NerPrediction>(example, std::move(tag_set), std::move(tags), std::move(entities));
}

}  // namespace berth::ner
