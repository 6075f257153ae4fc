#include "core/finetuning/adversary.h"

#include <ATen/core/grad_mode.h>

namespace berth::finetuning {

MovedEmbeddings::MovedEmbeddings(const at::Tensor& table, const at::Tensor& gradient, double length)
    : table_(table.detach()) {
  const at::NoGradGuard no_grad;
  at::Tensor direction = gradient;
  if (gradient.is_sparse()) {
    const at::Tensor coalesced = gradient.coalesce();
    rows_ = coalesced.indices()[0];
    direction = coalesced.values();
  }
  own_ = rows_.defined() ? table_.index_select(0, rows_) : table_.clone();
  const auto norm = direction.norm().item<double>();
  if (norm == 0) return;
  if (rows_.defined()) {
    table_.index_add_(0, rows_, direction, length / norm);
  } else {
    table_.add_(direction, length / norm);
  }
}

MovedEmbeddings::~MovedEmbeddings() {
  const at::NoGradGuard no_grad;
  if (rows_.defined()) {
    table_.index_copy_(0, rows_, own_);
  } else {
    table_.copy_(own_);
  }
}

}  // namespace berth::finetuning
