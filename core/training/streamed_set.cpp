#include "core/training/streamed_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>

#include "core/data/file_fingerprint.h"
#include "core/training/random.h"

namespace berth::training {

StreamedSet::StreamedSet(const plugin::LoadedTask& task, const data::FeatureOptions& features,
                         const data::TaskData& start, const Options& options)
    : task_(task),
      feature_options_(features),
      options_(options),
      fingerprint_(mix({data::file_fingerprint(task.config().train->path), start.store.fingerprint()})),
      stream_(task, *task.config().train, options.buffer),
      data_(data::empty_task_data(task, "train", features)) {
  present_.step = -1;
}

std::vector<MicroBatch> StreamedSet::at(std::int64_t step) {
  if (step != present_.step) {
    if (step < next_.step) go_to({});
    while (next_.step <= step) make_step();
  }
  std::vector<MicroBatch> batches;
  for (std::int64_t from = 0; from < data_.store.size(); from += options_.batch_size) {
    auto& batch = batches.emplace_back(std::min(options_.batch_size, data_.store.size() - from));
    std::iota(batch.begin(), batch.end(), from);
  }
  return batches;
}

void StreamedSet::start_epoch(std::int64_t epoch) {
  const auto place = static_cast<std::uint64_t>(epoch);
  stream_.start(stream_seed(options_.seed, "streamed examples", {hash_name(task_.name()), place}));
  drawn_.clear();
}

void StreamedSet::go_to(const Position& position) {
  const auto check = [this](bool is_there) {
    if (is_there) return;
    throw Error(ErrorKind::kContent, {task_.config().train->path.string()},
                fmt::format("{}: the training set has fewer examples than it had when the run came by here; bring it "
                            "back, or start anew",
                            task_.owner()));
  };
  present_.step = -1;
  next_ = position;
  is_in_place_ = false;
  start_epoch(position.epoch);
  for (std::int64_t i = 0; i < position.examples; ++i) check(stream_.next().example != nullptr);
  if (position.features > 0) check(draw() && position.features < std::ssize(drawn_));
  is_in_place_ = true;
}

// The next example's features. False at the end of the epoch.
bool StreamedSet::draw() {
  const auto drawn = stream_.next();
  if (!drawn.example) return false;
  drawn_ = features_of(drawn);
  drawn_where_ = drawn.example->where;
  return true;
}

std::vector<Feature> StreamedSet::features_of(const data::ShuffledStream::Drawn& drawn) const {
  try {
    return data::make_features(task_, *drawn.example, feature_options_);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kContent || drawn.place < data::kFittedOfStream) throw;
    throw Error(error,
                fmt::format("{} (If it is a label: those of a streamed training set are learned from its first {} "
                            "examples alone; name all of them in [tasks.{}.options].)",
                            error.what(), data::kFittedOfStream, task_.name()));
  }
}

// Where it throws, the set stands at the step as before.
void StreamedSet::make_step() {
  if (!is_in_place_) go_to(next_);
  is_in_place_ = false;
  present_.step = -1;
  data_.clear();
  auto now = next_;
  const auto size = options_.batch_size * options_.accumulate;
  while (data_.store.size() < size) {
    if (drawn_.empty() && !draw()) {
      if (now.examples == 0) {
        throw Error(ErrorKind::kContent, {task_.config().train->path.string()},
                    fmt::format("{}: the training set has no examples any more", task_.owner()));
      }
      now = {now.step, now.epoch + 1, 0, 0};
      start_epoch(now.epoch);
      if (data_.store.size() > 0) break;
      continue;
    }
    const auto all = std::ssize(drawn_);
    const auto end = std::min(all, now.features + size - data_.store.size());
    data::add_features({drawn_.begin() + now.features, drawn_.begin() + end}, drawn_where_, data_);
    now.features = end;
    if (end < all) break;
    ++now.examples;
    now.features = 0;
    drawn_.clear();
  }
  present_ = next_;
  next_ = now;
  ++next_.step;
  is_in_place_ = true;
}

void StreamedSet::save(TrainingState& state, std::int64_t step) {
  if (step != next_.step) at(step);
  const auto& position = step == next_.step ? next_ : present_;
  state.put(state_name(), std::vector<std::int64_t>{position.epoch, position.examples, position.features});
}

void StreamedSet::load(const TrainingState& state, std::int64_t step) {
  const auto position = state.integers(state_name(), 3);
  go_to({step, position[0], position[1], position[2]});
}

}  // namespace berth::training
