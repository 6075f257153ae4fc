// This process's part of a micro-batch that several share.
#pragma once

#include <memory>

#include "core/data/feature_store.h"
#include "core/distributed/group.h"
#include "core/model/encoder.h"
#include "core/training/task_batches.h"

namespace berth::training {

struct BatchPart {
  MicroBatch features;           // of this process; none where there are more processes than sequences
  std::unique_ptr<Batch> batch;  // of these; null where there are none
  model::BatchPart before;       // what of the whole batch others have before it
  at::Tensor whole_ids;          // [n] int64: the token ids of the whole batch
};

BatchPart own_part(const data::FeatureStore& store, const MicroBatch& batch, const distributed::Group& group);

}  // namespace berth::training
