#include "core/data/shuffled_stream.h"

#include <utility>

namespace berth::data {

ShuffledStream::ShuffledStream(const plugin::LoadedTask& task, const suite::DataSetConfig& set, std::int64_t buffer)
    : task_(task), set_(set), size_(static_cast<std::size_t>(buffer)) {}

void ShuffledStream::start(std::uint64_t seed) {
  random_ = training::Random(seed);
  buffer_.clear();
  read_ = 0;
  stream_.reset();
  reader_ = task_.make_reader(set_);
  stream_ = task_.open(*reader_, set_);
}

ShuffledStream::Drawn ShuffledStream::next() {
  while (stream_ && buffer_.size() < size_) {
    if (auto one = read(); one.example) buffer_.push_back(std::move(one));
  }
  if (buffer_.empty()) return {};
  std::swap(buffer_[random_.below(buffer_.size())], buffer_.back());
  auto drawn = std::move(buffer_.back());
  buffer_.pop_back();
  return drawn;
}

ShuffledStream::Drawn ShuffledStream::read() {
  Drawn one{task_.next(*stream_), read_++};
  if (!one.example) stream_.reset();
  return one;
}

}  // namespace berth::data
