#include "core/diagnosis/floor.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "core/diagnosis/bag_of_words.h"
#include "core/statistics/softmax_regression.h"

namespace berth::diagnosis {
namespace {

using Indices = std::vector<std::size_t>;

// Labels of train, and each sample's place among them.
struct Labelling {
  std::vector<std::string> names;
  std::map<std::string, std::size_t> index;  // of each name
  Indices of_train;
  std::size_t majority = 0;
};

Labelling label(const SampleSet& train) {
  std::map<std::string, std::size_t> counts;
  for (const auto& sample : train.samples) ++counts[sample.label];
  Labelling labelling;
  std::size_t most = 0;
  for (const auto& [name, count] : counts) {
    labelling.index[name] = labelling.names.size();
    if (count > most) labelling.majority = labelling.names.size();
    most = std::max(most, count);
    labelling.names.push_back(name);
  }
  for (const auto& sample : train.samples) labelling.of_train.push_back(labelling.index.at(sample.label));
  return labelling;
}

bool is_single_label(const std::string& label) { return !label.empty() && label.find('\n') == std::string::npos; }

// Why a bag of words has nothing to learn here; "" where it has.
std::string obstacle(const SampleSet& train) {
  if (!std::all_of(train.samples.begin(), train.samples.end(),
                   [](const Sample& sample) { return is_single_label(sample.label); })) {
    return "it is for tasks that give each example one label";
  }
  const auto first = train.samples.front().label;
  if (std::all_of(train.samples.begin(), train.samples.end(), [&](const Sample& s) { return s.label == first; })) {
    return "all examples have the same label";
  }
  return "";
}

// Each label's texts in turn, so that all parts have all labels as evenly as can be.
Indices deal(const Labelling& labelling) {
  Indices seen(labelling.names.size());
  Indices fold;
  for (const auto label : labelling.of_train) fold.push_back(seen[label]++ % kFolds);
  return fold;
}

std::size_t likeliest(const std::vector<double>& row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

// scikit-learn's LogisticRegression() with its own default tolerance.
statistics::SoftmaxRegression fit(const at::Tensor& rows, const Indices& labels, std::size_t classes) {
  const at::NoGradGuard no_grad;
  const auto count = static_cast<std::int64_t>(classes);
  const at::Tensor targets = at::tensor(std::vector<std::int64_t>(labels.begin(), labels.end()), at::kLong);
  return statistics::fit_softmax_regression(rows, targets, {count, statistics::scikit_learn_penalty(count), 1e-4});
}

Probabilities answers_of(const statistics::SoftmaxRegression& model, const at::Tensor& rows) {
  const at::Tensor chances = model.log_probabilities(rows).exp();
  const auto* data = chances.const_data_ptr<double>();
  Probabilities result;
  for (std::int64_t row = 0; row < chances.size(0); ++row, data += chances.size(1)) {
    result.emplace_back(data, data + chances.size(1));
  }
  return result;
}

struct Folding {
  const SampleSet& train;
  const Labelling& labelling;
  const Indices fold_of;  // of each sample
};

// Fills in one part, by a model that knows nothing of it, not even how rare its tokens are.
void answer_fold(const Folding& folding, std::size_t fold, Probabilities& result) {
  SampleSet own;
  SampleSet others;
  Indices places;  // of own in train
  Indices labels;  // of others
  for (std::size_t i = 0; i < folding.fold_of.size(); ++i) {
    const bool is_own = folding.fold_of[i] == fold;
    (is_own ? own : others).samples.push_back(folding.train.samples[i]);
    if (is_own) {
      places.push_back(i);
    } else {
      labels.push_back(folding.labelling.of_train[i]);
    }
  }
  const BagOfWords words(others);
  auto answers = answers_of(fit(words.rows(others), labels, folding.labelling.names.size()), words.rows(own));
  for (std::size_t i = 0; i < places.size(); ++i) result[places[i]] = std::move(answers[i]);
}

Probabilities cross_fit(const SampleSet& train, const Labelling& labelling) {
  const Folding folding = {train, labelling, deal(labelling)};
  Probabilities result(train.samples.size());
  at::parallel_for(0, kFolds, 1, [&](std::int64_t from, std::int64_t to) {
    for (auto fold = from; fold < to; ++fold) answer_fold(folding, static_cast<std::size_t>(fold), result);
  });
  return result;
}

// Mean over the labels that were true or predicted, as scikit-learn's.
double f1_macro(const Indices& truth, const Indices& answers, std::size_t labels) {
  std::vector<double> right(labels);
  std::vector<double> said(labels);  // as truth and as answer, together
  for (std::size_t i = 0; i < truth.size(); ++i) {
    ++said[truth[i]];
    ++said[answers[i]];
    if (truth[i] == answers[i]) ++right[truth[i]];
  }
  double sum = 0;
  double seen = 0;
  for (std::size_t c = 0; c < labels; ++c) {
    if (said[c] == 0) continue;
    sum += 2 * right[c] / said[c];
    ++seen;
  }
  return sum / seen;
}

FloorScore score(const SampleSet& set, const Probabilities& probabilities, const Labelling& labelling) {
  Indices truth;
  Indices answers;
  for (const auto& sample : set.samples) truth.push_back(labelling.index.at(sample.label));
  for (const auto& row : probabilities) answers.push_back(likeliest(row));
  const auto share = [&](const auto& is_right) {
    double count = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) count += is_right(i) ? 1 : 0;
    return count / static_cast<double>(truth.size());
  };
  FloorScore result;
  result.set = set.name;
  result.majority = share([&](std::size_t i) { return truth[i] == labelling.majority; });
  result.accuracy = share([&](std::size_t i) { return truth[i] == answers[i]; });
  result.f1_macro = f1_macro(truth, answers, labelling.names.size());
  return result;
}

bool has_labels_of(const SampleSet& set, const Labelling& labelling) {
  return std::all_of(set.samples.begin(), set.samples.end(),
                     [&](const Sample& sample) { return labelling.index.count(sample.label) > 0; });
}

}  // namespace

std::variant<Floor, std::string> find_floor(const std::vector<SampleSet>& sets) {
  const auto& train = sets.front();
  if (auto why = obstacle(train); !why.empty()) return why;
  const auto labelling = label(train);
  const BagOfWords words(train);
  const auto rows = words.rows(train);
  if (static_cast<std::size_t>(rows._nnz()) * labelling.names.size() > kMostWork) {
    return fmt::format("{} examples with {} labels would take too long", train.samples.size(), labelling.names.size());
  }
  const auto model = fit(rows, labelling.of_train, labelling.names.size());
  Floor floor;
  floor.labels = labelling.names;
  const auto unseen = cross_fit(train, labelling);
  floor.cross_fitted = score(train, unseen, labelling);
  const bool is_judge = 1 - floor.cross_fitted.accuracy <= (1 - floor.cross_fitted.majority) / 2;
  if (is_judge) floor.issues = find_label_issues(unseen, labelling.of_train);
  for (std::size_t s = 1; s < sets.size(); ++s) {
    if (!has_labels_of(sets[s], labelling)) continue;
    floor.scores.push_back(score(sets[s], answers_of(model, words.rows(sets[s])), labelling));
  }
  return floor;
}

}  // namespace berth::diagnosis
