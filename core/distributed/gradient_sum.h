// Sums gradients over the processes of a run, so that each has those of the whole batch: as backward goes on where that
// is possible, so that the network works while the processor does.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "core/distributed/group.h"

namespace berth::distributed {

class GradientSum {
 public:
  // parameters: all that may get a gradient: the same ones, in the same order, in all processes; at best in the order
  // in which a forward pass uses them. group: outlives this.
  GradientSum(Group& group, std::vector<at::Tensor> parameters);
  ~GradientSum();
  GradientSum(const GradientSum&) = delete;
  GradientSum& operator=(const GradientSum&) = delete;

  // The next backward, up to finish(), is the last that adds to these gradients. From then on, they are sent as soon as
  // they are whole. kind: of a step; those of one kind have gradients of the same parameters, as a rule. All processes
  // call it, or none does.
  void begin(std::size_t kind);

  // Each parameter gets the sum of the processes' gradients, sparse (rows of a table, coalesced) where all of them are
  // sparse. One that has a gradient in some process gets one in all; without any, none. Bits are the same in all
  // processes. Throws Error kIo as Group does.
  void finish(std::size_t kind);

 private:
  enum class Kind : std::uint8_t;
  struct Bucket;
  struct Hook;

  void became_whole(std::size_t parameter);
  void send_whole_buckets();
  void send(Bucket& bucket);
  Kind kind_of(std::size_t parameter) const;
  std::vector<Kind> kinds();
  void add_buckets(const std::vector<Kind>& kinds);

  Group& group_;
  std::vector<at::Tensor> parameters_;
  std::vector<std::vector<Bucket>> buckets_;    // by kind of step
  std::vector<Bucket>* sending_ = nullptr;      // between begin() and finish()
  std::vector<std::optional<Kind>> own_kinds_;  // of what has been sent
};

}  // namespace berth::distributed
