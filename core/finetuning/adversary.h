// Adversarial training on word embeddings, the "fast gradient method" (Miyato, Dai & Goodfellow 2017, "Adversarial
// Training Methods for Semi-Supervised Text Classification", section 3): with g the gradient of a micro-batch's loss
// in the word embeddings, the loss is taken a second time on embeddings moved by length * g / |g|, and both losses'
// gradients add up. As is usual for BERT, the table's rows are moved, so that all places of a word move alike, and the
// length is that of the whole micro-batch's move; the paper normalises embeddings and measures each text alone. Called
// by the trainer.
#pragma once

#include <ATen/core/Tensor.h>

namespace berth::finetuning {

// The moved table, in its own place until this is destroyed.
class MovedEmbeddings {
 public:
  // gradient: of the table, sparse or dense; one of zero moves nothing.
  MovedEmbeddings(const at::Tensor& table, const at::Tensor& gradient, double length);
  ~MovedEmbeddings();
  MovedEmbeddings(const MovedEmbeddings&) = delete;
  MovedEmbeddings& operator=(const MovedEmbeddings&) = delete;

 private:
  at::Tensor table_;
  at::Tensor rows_;  // [rows] int64; undefined: all of them
  at::Tensor own_;   // what stood in them
};

}  // namespace berth::finetuning
