#include "core/report/shown_answers.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/model/json_text.h"
#include "core/platform/whole_file.h"

namespace berth::report {
namespace {

constexpr const char* kNone = "(none)";
constexpr const char* kOthers = "(others)";
// Labels are few; a plugin that takes texts for labels shall not fill the memory.
constexpr std::size_t kKnownLabels = 500;

// Names by their bytes, numbers by their value, and last what is no label.
bool comes_before(const std::string& a, const std::string& b) {
  const auto key = [](const std::string& label) {
    const bool is_number =
        !label.empty() && std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
    return std::make_tuple(label == kOthers ? 2 : label == kNone ? 1 : 0, is_number ? label.size() : 0, label);
  };
  return key(a) < key(b);
}

}  // namespace

void AnswerCollector::add(const Shown& shown, const Where& where) {
  has_decisions_ = has_decisions_ || !shown.decisions.empty();
  for (const auto& decision : shown.decisions) count(decision);
  keep_if_bad(shown, where);
  ++examples_;
}

bool AnswerCollector::is_worse(const Kept& a, const Kept& b) {
  return a.error != b.error ? a.error > b.error : a.index < b.index;
}

void AnswerCollector::keep_if_bad(const Shown& shown, const Where& where) {
  if (!(shown.error > 0)) return;
  ++wrong_;
  const bool is_kept = worst_.size() < kWorst || shown.error > worst_.front().error;
  if (is_kept) keep({shown.error, examples_, shown_json(shown, where)});
}

// It is the last one seen.
void AnswerCollector::keep(Kept kept) {
  if (worst_.size() == kWorst) {
    if (kept.error <= worst_.front().error) return;
    std::pop_heap(worst_.begin(), worst_.end(), is_worse);
    worst_.pop_back();
  }
  worst_.push_back(std::move(kept));
  std::push_heap(worst_.begin(), worst_.end(), is_worse);
}

void AnswerCollector::count(const Decision& decision) {
  if (!decision.truth.empty() || !decision.answer.empty()) {
    const auto truth = index_of(decision.truth);
    ++counts_[{truth, index_of(decision.answer)}];
  }
  if (std::isnan(decision.confidence)) return;
  const double confidence = std::clamp(decision.confidence, 0.0, 1.0);
  const double upper = std::ceil(confidence * static_cast<double>(kBins));
  auto& bin = bins_[static_cast<std::size_t>(std::max(upper, 1.0)) - 1];
  ++bin.count;
  bin.confidence += confidence;
  bin.right += decision.is_right ? 1 : 0;
}

std::size_t AnswerCollector::index_of(const std::string& label) {
  std::string name = label.empty() ? kNone : label;
  if (labels_.size() >= kKnownLabels && !labels_.contains(name)) name = kOthers;
  return labels_.emplace(std::move(name), labels_.size()).first->second;
}

Json AnswerCollector::confusion() const {
  std::vector<std::int64_t> uses(labels_.size());
  for (const auto& [pair, count] : counts_) {
    uses[pair.first] += count;
    uses[pair.second] += count;
  }
  std::vector<std::string> names;
  names.reserve(labels_.size());
  for (const auto& [name, index] : labels_) names.push_back(name);
  if (names.size() > kLabels) {
    std::stable_sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
      return uses[labels_.at(a)] > uses[labels_.at(b)];
    });
    std::erase(names, kOthers);
    names.resize(kLabels - 1);
    names.emplace_back(kOthers);
  }
  std::sort(names.begin(), names.end(), comes_before);

  std::vector<std::size_t> places(labels_.size(), names.size() - 1);  // of the rare ones: the last, "(others)"
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto found = labels_.find(names[i]); found != labels_.end()) places[found->second] = i;
  }
  std::vector<std::vector<std::int64_t>> table(names.size(), std::vector<std::int64_t>(names.size()));
  for (const auto& [pair, count] : counts_) table[places[pair.first]][places[pair.second]] += count;
  return {{"labels", names}, {"counts", table}};
}

Json AnswerCollector::calibration() const {
  auto list = Json::array();
  double gaps = 0;  // of a bin: |accuracy - confidence| times its count
  double all = 0;
  for (std::size_t i = 0; i < kBins; ++i) {
    const auto& bin = bins_[i];
    if (bin.count == 0) continue;
    const auto count = static_cast<double>(bin.count);
    const auto right = static_cast<double>(bin.right);
    gaps += std::abs(right - bin.confidence);
    all += count;
    list.push_back({{"low", static_cast<double>(i) / kBins},
                    {"high", static_cast<double>(i + 1) / kBins},
                    {"count", bin.count},
                    {"confidence", bin.confidence / count},
                    {"accuracy", right / count}});
  }
  return {{"bins", std::move(list)}, {"ece", gaps / all}};
}

Json AnswerCollector::result() const {
  Json json = {{"examples", examples_}};
  if (has_decisions_) json["wrong"] = wrong_;
  if (labels_.size() > 1) json["confusion"] = confusion();
  if (std::any_of(bins_.begin(), bins_.end(), [](const Bin& bin) { return bin.count > 0; })) {
    json["calibration"] = calibration();
  }
  auto worst = worst_;
  std::sort(worst.begin(), worst.end(), is_worse);
  auto list = Json::array();
  for (auto& kept : worst) list.push_back(std::move(kept.shown));
  json["worst"] = std::move(list);
  return json;
}

Json AnswerCollector::state() const {
  Json state = {{"examples", examples_}, {"wrong", wrong_}, {"has_decisions", has_decisions_}};
  std::vector<std::string> names(labels_.size());
  for (const auto& [name, index] : labels_) names[index] = name;
  state["labels"] = names;
  for (const auto& [pair, count] : counts_) state["counts"].push_back({pair.first, pair.second, count});
  for (const auto& bin : bins_) state["bins"].push_back({bin.count, bin.confidence, bin.right});
  auto worst = worst_;
  std::sort(worst.begin(), worst.end(), [](const Kept& a, const Kept& b) { return a.index < b.index; });
  for (auto& kept : worst) state["worst"].push_back({kept.error, kept.index, std::move(kept.shown)});
  return state;
}

void AnswerCollector::merge(const Json& state) {
  std::vector<std::size_t> indices;
  for (const auto& name : state["labels"]) indices.push_back(index_of(name.get<std::string>()));
  for (const auto& count : state.value("counts", Json::array())) {
    counts_[{indices.at(count[0]), indices.at(count[1])}] += count[2].get<std::int64_t>();
  }
  for (std::size_t i = 0; i < kBins; ++i) {
    const auto& bin = state["bins"][i];
    bins_[i].count += bin[0].get<std::int64_t>();
    bins_[i].confidence += bin[1].get<double>();
    bins_[i].right += bin[2].get<std::int64_t>();
  }
  for (const auto& kept : state.value("worst", Json::array())) {
    keep({kept[0].get<double>(), examples_ + kept[1].get<std::int64_t>(), kept[2]});
  }
  examples_ += state["examples"].get<std::int64_t>();
  wrong_ += state["wrong"].get<std::int64_t>();
  has_decisions_ = has_decisions_ || state["has_decisions"].get<bool>();
}

void AnswerCollector::write(const std::filesystem::path& file) const {
  platform::write_text(file, model::one_line(result()) + "\n");
}

void TaskAnswers::add(const Example& example, const Prediction& prediction) {
  if (!failure_.empty()) return;
  try {
    collector_.add(task_.show(example, prediction), example.where);
  } catch (const Error& error) {
    failure_ = error.what();
  }
}

// CBOR: as JSON, an error of infinity and bytes that are no UTF-8 would not come through.
std::string TaskAnswers::state() const {
  std::string bytes;
  Json::to_cbor(Json{{"failure", failure_}, {"seen", collector_.state()}}, bytes);
  return bytes;
}

void TaskAnswers::merge(const std::vector<std::string>& states) {
  collector_ = {};
  for (const auto& bytes : states) {
    const auto state = Json::from_cbor(bytes);
    if (failure_.empty()) failure_ = state["failure"].get<std::string>();
    collector_.merge(state["seen"]);
  }
}

std::string TaskAnswers::write(const std::filesystem::path& file) const {
  if (!failure_.empty()) return failure_;
  try {
    collector_.write(file);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace berth::report
