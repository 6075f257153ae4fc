// The few declarations that <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp> needs of gloo, whose headers LibTorch
// does not bring along. The implementation is inside LibTorch. Only pointers to these types are handled here, so that
// their layout does not matter; a distribution's headers are of another version than LibTorch's own copy. Never
// construct a ProcessGroupGloo::GlooStore against them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace gloo {

namespace transport {
class Device;
class UnboundBuffer {
 public:
  virtual ~UnboundBuffer() = 0;
};
}  // namespace transport

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace rendezvous {
class Store {
 public:
  virtual ~Store() = default;
  virtual void set(const std::string& key, const std::vector<char>& value) = 0;
  virtual std::vector<char> get(const std::string& key) = 0;
  virtual void wait(const std::vector<std::string>& keys) = 0;
  virtual void wait(const std::vector<std::string>& keys, const std::chrono::milliseconds& timeout) = 0;
};
}  // namespace rendezvous

}  // namespace gloo
