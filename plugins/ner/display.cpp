#include "display.h"

#include <optional>
#include <string_view>
#include <utility>

#include "berth/kit/text.h"

namespace berth::ner {
namespace {

constexpr std::size_t kMostReasons = 5;

bool is_same_stretch(const kit::EntitySpan& a, const kit::EntitySpan& b) {
  return a.begin == b.begin && a.end == b.end;
}
bool overlaps(const kit::EntitySpan& a, const kit::EntitySpan& b) { return a.begin < b.end && b.begin < a.end; }

// Which true entity each found one is held against; each true one is taken once, by the one that fits it best.
class Pairs {
 public:
  Pairs(const std::vector<kit::EntitySpan>& truths, const std::vector<PredictedEntity>& found)
      : truth_of_(found.size()), is_taken_(truths.size()) {
    pair(truths, found, [](const auto& a, const auto& b) { return a == b; });
    pair(truths, found, is_same_stretch);
    pair(truths, found, overlaps);
  }

  std::optional<std::size_t> truth_of(std::size_t found) const { return truth_of_[found]; }
  bool is_taken(std::size_t truth) const { return is_taken_[truth]; }

 private:
  template <typename Fits>
  void pair(const std::vector<kit::EntitySpan>& truths, const std::vector<PredictedEntity>& found, Fits fits) {
    for (std::size_t f = 0; f < found.size(); ++f) {
      for (std::size_t t = 0; t < truths.size() && !truth_of_[f]; ++t) {
        if (is_taken_[t] || !fits(truths[t], found[f].words)) continue;
        truth_of_[f] = t;
        is_taken_[t] = true;
      }
    }
  }

  std::vector<std::optional<std::size_t>> truth_of_;
  std::vector<bool> is_taken_;
};

// Marks, names and judges the entities of one sentence.
class SentenceShow {
 public:
  explicit SentenceShow(const NerExample& example) : example_(example) {
    shown_.texts.push_back({"text", example.text, {}});
  }

  void show(const std::vector<PredictedEntity>& found) {
    for (const PredictedEntity& entity : found) mark(entity.words, MarkKind::kAnswer);
    shown_.answer = list(
        found, [](const PredictedEntity& entity) -> const auto& { return entity.words; });
    if (!example_.entities) return;
    const std::vector<kit::EntitySpan>& truths = *example_.entities;
    for (const kit::EntitySpan& entity : truths) mark(entity, MarkKind::kTruth);
    shown_.truth = list(
        truths, [](const kit::EntitySpan& entity) -> const auto& { return entity; });
    const Pairs pairs(truths, found);
    for (std::size_t f = 0; f < found.size(); ++f) {
      const std::optional<std::size_t> truth = pairs.truth_of(f);
      if (truth) {
        judge(truths[*truth], found[f]);
      } else {
        judge_invented(found[f]);
        give_reason("invented " + named(found[f].words));
      }
    }
    for (std::size_t t = 0; t < truths.size(); ++t) {
      if (pairs.is_taken(t)) continue;
      judge_missed(truths[t]);
      give_reason("missed " + named(truths[t]));
    }
    if (reasons_ > kMostReasons) shown_.reason += "; and " + std::to_string(reasons_ - kMostReasons) + " more";
  }

  Shown take() { return std::move(shown_); }

 private:
  Span place(const kit::EntitySpan& entity) const {
    return {example_.places[entity.begin].begin, example_.places[entity.end - 1].end};
  }
  std::string quoted(const kit::EntitySpan& entity) const {
    const Span bytes = place(entity);
    return kit::quote_for_message(std::string_view(example_.text).substr(bytes.begin, bytes.end - bytes.begin));
  }
  // person 'Imogen Clarke'
  std::string named(const kit::EntitySpan& entity) const { return entity.type + " " + quoted(entity); }

  template <typename Entity, typename Words>
  std::string list(const std::vector<Entity>& entities, Words words) const {
    std::string text;
    for (const Entity& entity : entities) text.append(text.empty() ? "" : ", ").append(named(words(entity)));
    return text.empty() ? "nothing" : text;
  }

  void mark(const kit::EntitySpan& entity, MarkKind kind) {
    const Span bytes = place(entity);
    shown_.texts.front().marks.push_back({bytes.begin, bytes.end, kind, entity.type});
  }

  void give_reason(const std::string& reason) {
    if (reasons_++ < kMostReasons) shown_.reason.append(shown_.reason.empty() ? "" : "; ").append(reason);
  }

  void judge(const kit::EntitySpan& truth, const PredictedEntity& found) {
    const bool is_right = truth == found.words;
    if (is_right || truth.type != found.words.type) {
      shown_.decisions.push_back({truth.type, found.words.type, is_right, found.probability});
      if (!is_right) shown_.error += 1 + found.probability;
    } else {
      judge_missed(truth);
      judge_invented(found);
    }
    if (is_right) return;
    const bool has_other_borders = !is_same_stretch(truth, found.words);
    give_reason((has_other_borders ? named(found.words) + " should be " : quoted(found.words) + " is ") +
                (has_other_borders ? named(truth) : truth.type + ", not " + found.words.type));
  }

  void judge_missed(const kit::EntitySpan& truth) {
    shown_.decisions.push_back({truth.type, "", false});
    shown_.error += 1;
  }

  void judge_invented(const PredictedEntity& found) {
    shown_.decisions.push_back({"", found.words.type, false, found.probability});
    shown_.error += found.probability;
  }

  const NerExample& example_;
  Shown shown_;
  std::size_t reasons_ = 0;
};

}  // namespace

Shown show_answer(const NerExample& example, const NerPrediction& prediction) {
  SentenceShow sentence(example);
  sentence.show(prediction.entities());
  return sentence.take();
}

}  // namespace berth::ner
