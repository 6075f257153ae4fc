#include "core/plugin/head_tensors.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "berth/error.h"

namespace berth::plugin {

NamedTensors head_parameters(const Head& head) {
  NamedTensors tensors;
  for (const auto& item : head.named_parameters()) tensors.push_back({item.key(), item.value()});
  return tensors;
}

NamedTensors head_tensors(const Head& head) {
  NamedTensors tensors = head_parameters(head);
  for (const auto& item : head.named_buffers()) tensors.push_back({item.key(), item.value()});
  return tensors;
}

void convert(Head& head, const at::TensorOptions& options) {
  const auto device = options.device();
  for (auto& [name, tensor] : head_tensors(head)) {
    tensor.set_data(tensor.is_floating_point() ? tensor.to(options) : tensor.to(device));
  }
}

void load_head(Head& head, const NamedTensors& source, const std::string& where) {
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> left;
  for (const auto& [name, tensor] : source) left[name] = tensor;
  std::string problems;
  for (auto& [name, tensor] : head_tensors(head)) {
    auto found = left.find(name);
    if (found == left.end()) {
      problems += fmt::format("\n  {}: missing", name);
      continue;
    }
    if (found->second.sizes() != tensor.sizes()) {
      problems += fmt::format("\n  {}: found [{}], expected [{}]", name, fmt::join(found->second.sizes(), ", "),
                              fmt::join(tensor.sizes(), ", "));
    } else {
      tensor.copy_(found->second);
    }
    left.erase(found);
  }
  for (const auto& [name, tensor] : left) problems += fmt::format("\n  {}: the head has no such tensor", name);
  if (problems.empty()) return;
  throw Error(
      ErrorKind::kContent, {where},
      "the head's tensors do not fit the plugin's head (another version of the plugin, or other options?):" + problems);
}

}  // namespace berth::plugin
