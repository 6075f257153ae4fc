#include "core/training/training_state.h"

#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <utility>

#include "berth/error.h"
#include "core/checkpoint/safetensors.h"

namespace berth::training {
namespace {

template <typename T>
std::vector<T> values_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  const auto* data = flat.const_data_ptr<T>();
  return {data, data + flat.numel()};
}

}  // namespace

TrainingState TrainingState::read(const std::filesystem::path& file) {
  TrainingState state;
  state.file_ = file;
  state.tensors_ = checkpoint::read_safetensors(file);
  for (std::size_t i = 0; i < state.tensors_.size(); ++i) state.index_.emplace(state.tensors_[i].name, i);
  return state;
}

void TrainingState::put(std::string name, const std::vector<std::int64_t>& values) {
  put(std::move(name), at::tensor(values, at::kLong));
}

void TrainingState::put(std::string name, const std::vector<double>& values) {
  put(std::move(name), at::tensor(values, at::kDouble));
}

const at::Tensor& TrainingState::tensor(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) fail(name, "is not there");
  return tensors_[found->second].tensor;
}

void TrainingState::copy_to(const at::Tensor& target, const std::string& name) const {
  const auto& source = tensor(name);
  if (source.sizes() != target.sizes() || source.scalar_type() != target.scalar_type()) {
    fail(name, fmt::format("is {} {}, but {} {} is needed", c10::toString(source.scalar_type()),
                           c10::str(source.sizes()), c10::toString(target.scalar_type()), c10::str(target.sizes())));
  }
  target.copy_(source);
}

std::vector<std::int64_t> TrainingState::integers(const std::string& name) const {
  const auto& source = tensor(name);
  if (source.scalar_type() != at::kLong || source.dim() != 1) fail(name, "is no list of integers");
  return values_of<std::int64_t>(source);
}

std::vector<std::int64_t> TrainingState::integers(const std::string& name, std::size_t count) const {
  auto values = integers(name);
  if (values.size() != count) fail(name, fmt::format("has {} numbers, but {} are needed", values.size(), count));
  return values;
}

std::vector<double> TrainingState::reals(const std::string& name, std::size_t count) const {
  const auto& source = tensor(name);
  if (source.scalar_type() != at::kDouble || source.dim() != 1 || source.numel() != static_cast<std::int64_t>(count)) {
    fail(name, fmt::format("is no list of {} numbers", count));
  }
  return values_of<double>(source);
}

void TrainingState::fail(const std::string& name, const std::string& what) const {
  throw Error(
      ErrorKind::kContent, {file_.string()},
      fmt::format("\"{}\" {}: this is not the state of a run of this suite by this version of berth", name, what));
}

}  // namespace berth::training
