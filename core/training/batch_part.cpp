#include "core/training/batch_part.h"

#include "core/distributed/batch_share.h"

namespace berth::training {

BatchPart own_part(const data::FeatureStore& store, const MicroBatch& batch, const distributed::Group& group) {
  BatchPart part;
  auto whole = store.pack(batch);
  part.whole_ids = whole->ids();
  if (group.is_alone()) {
    part.features = batch;
    part.batch = std::move(whole);
    return part;
  }
  std::vector<std::int64_t> lengths;
  lengths.reserve(batch.size());
  for (const auto feature : batch) lengths.push_back(store.length(feature));
  const auto share = distributed::share_of(lengths, group.rank(), group.size());
  for (std::size_t i = 0; i < share.begin; ++i) part.before.add(lengths[i]);
  part.features.assign(batch.begin() + static_cast<std::ptrdiff_t>(share.begin),
                       batch.begin() + static_cast<std::ptrdiff_t>(share.end));
  if (!part.features.empty()) part.batch = store.pack(part.features);
  return part;
}

}  // namespace berth::training
