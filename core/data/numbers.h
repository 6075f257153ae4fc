// Numbers of a set, flat: held, or in a file that is mapped.
#pragma once

#include <cassert>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace berth::data {

template <typename T>
class Numbers {
 public:
  Numbers() = default;
  Numbers(std::initializer_list<T> values) : held_(values) {}
  // keeper: what the values stand in, as long as it lives.
  Numbers(std::span<const T> values, std::shared_ptr<const void> keeper)
      : elsewhere_(values), keeper_(std::move(keeper)) {}

  std::span<const T> all() const { return keeper_ == nullptr ? std::span<const T>(held_) : elsewhere_; }
  std::size_t size() const { return all().size(); }
  bool empty() const { return all().empty(); }
  const T& operator[](std::size_t place) const { return all()[place]; }
  const T& back() const { return all().back(); }
  const T* begin() const { return all().data(); }
  const T* end() const { return all().data() + size(); }

  // Only of numbers that are held.
  std::vector<T>& held() {
    assert(keeper_ == nullptr);
    return held_;
  }

 private:
  std::vector<T> held_;
  std::span<const T> elsewhere_;
  std::shared_ptr<const void> keeper_;
};

}  // namespace berth::data
