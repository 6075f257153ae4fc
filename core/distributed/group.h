// The processes of a run, and what they tell each other: sums of tensors and bytes. A thin layer over c10d's gloo, so
// that the rest of the engine knows neither. All processes call the same functions in the same order.
#pragma once

#include <ATen/core/Tensor.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/distributed/place.h"

namespace berth::distributed {

struct GroupOptions {
  std::chrono::milliseconds start_timeout = std::chrono::minutes(5);  // for all processes to be there
  // That one may let the others wait, at a checkpoint, say. One that ends is noticed at once.
  std::chrono::milliseconds timeout = std::chrono::minutes(30);
};

// Under which the store of Place::meeting knows that a process has found the others.
std::string met_key(int rank);

class Group {
 public:
  // Of one process: every call is free.
  Group();
  // Waits for the others. Throws Error kIo where they don't come.
  Group(const Place& place, const GroupOptions& options);
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_first() const { return rank_ == 0; }
  bool is_alone() const { return size_ == 1; }

  // One process by itself.
  static Group& alone();

  // All throw Error kIo where a process is gone or too slow.

  // In place: the sum over all processes, with the same bits in each. Contiguous. Between GPUs by NCCL, where berth was
  // built with it; from other devices over the processor.
  void sum(at::Tensor& tensor);
  void sum(std::vector<double>& numbers);
  // Begins such a sum; the result waits for its end. The tensor must live and be left alone until then.
  std::function<void()> begin_sum(at::Tensor& tensor);
  // Every process's bytes, by rank.
  std::vector<std::string> gather(const std::string& bytes);
  // Likewise of any number of pieces.
  std::vector<std::vector<std::string>> gather(const std::vector<std::string>& pieces);
  // Process 0's bytes.
  std::string from_first(const std::string& bytes);
  // Goes on when all are here.
  void meet();

 private:
  class Gloo;

  int rank_ = 0;
  int size_ = 1;
  std::unique_ptr<Gloo> gloo_;  // null: alone
};

}  // namespace berth::distributed
