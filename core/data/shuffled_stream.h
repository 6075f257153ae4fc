// The examples of a training set that is never held: read from its file over and over, in an order that is drawn while
// it is read. A buffer holds the next ones of the file; each that is drawn from it makes room for one more. A buffer of
// one gives the order of the file, one as large as the set a whole shuffle.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/plugin/loaded_task.h"
#include "core/training/random.h"

namespace berth::data {

class ShuffledStream {
 public:
  struct Drawn {
    std::unique_ptr<Example> example;  // null at the end of the set
    std::int64_t place = 0;            // in the set, from 0
  };

  // task, set: outlive this. buffer: how many examples are held to draw from, at least 1.
  ShuffledStream(const plugin::LoadedTask& task, const suite::DataSetConfig& set, std::int64_t buffer);

  // Begins at the start of the set, in the order that the seed draws: each example comes once. Throws what
  // LoadedTask::open() throws.
  void start(std::uint64_t seed);

  // Throws what the task's stream throws, when an example is read: up to a buffer before it is drawn.
  Drawn next();

 private:
  Drawn read();

  const plugin::LoadedTask& task_;
  const suite::DataSetConfig& set_;
  std::size_t size_;
  training::Random random_{0};
  std::unique_ptr<DatasetReader> reader_;
  std::unique_ptr<ExampleStream> stream_;  // after its reader: it goes first. Null at the end of the set
  std::int64_t read_ = 0;
  std::vector<Drawn> buffer_;
};

}  // namespace berth::data
