// What training knows at a step besides the weights: the optimizer's moments, each task's place in its data, what was
// best so far. It lies in every checkpoint, so that a run goes on from there as if it had never stopped. Whoever has
// state puts it here under names of its own and takes it back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/model/named_tensor.h"

namespace berth::training {

class TrainingState {
 public:
  TrainingState() = default;

  // Views of what was read. Throws Error as SafetensorsFile does.
  static TrainingState read(const std::filesystem::path& file);

  // Each name once. Tensors are not copied.
  void put(std::string name, at::Tensor tensor) { tensors_.push_back({std::move(name), std::move(tensor)}); }
  void put(std::string name, const std::vector<std::int64_t>& values);
  void put(std::string name, const std::vector<double>& values);

  bool has(const std::string& name) const { return index_.contains(name); }

  // Of a state that was read. Throw Error kContent where it has nothing of that name, type and size.
  const at::Tensor& tensor(const std::string& name) const;
  void copy_to(const at::Tensor& target, const std::string& name) const;
  std::vector<std::int64_t> integers(const std::string& name) const;
  std::vector<std::int64_t> integers(const std::string& name, std::size_t count) const;
  std::vector<double> reals(const std::string& name, std::size_t count) const;

  const NamedTensors& tensors() const { return tensors_; }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& what) const;

  NamedTensors tensors_;
  std::filesystem::path file_;                // that it was read from
  std::map<std::string, std::size_t> index_;  // of what was read
};

}  // namespace berth::training
