#include "core/device/device.h"

#include <ATen/Context.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>

namespace berth::device {
namespace {

[[noreturn]] void refuse(const std::string& name, const Where& where, const std::string& why) {
  throw Error(ErrorKind::kConfig, where,
              fmt::format("model.device is \"{}\": {}; \"auto\" takes a GPU where there is one, \"cpu\" the processor",
                          name, why));
}

// Lists of all that there is elsewhere follow it.
std::string first_sentence(const std::string& text) {
  return text.substr(0, std::min(text.find('\n'), text.find(". ")));
}

std::optional<at::Device> device_named(const std::string& name) {
  try {
    return at::Device(name);
  } catch (const c10::Error&) {
    return std::nullopt;
  }
}

// The same bits each time are what resuming exactly needs. An operation that has no such form says so once and goes on.
// Memory that nobody has written to yet need not be filled for that.
void make_repeatable() {
  // Read by cuBLAS at its first call: without, its results may depend on what else the GPU does.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);  // NOLINT(concurrency-mt-unsafe): before any threads
  auto& context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/true);
  context.setDeterministicFillUninitializedMemory(false);
}

}  // namespace

at::Device chosen(const std::string& name, const Where& where) {
  const bool is_auto = name == kAuto;
  if (is_auto && !at::hasCUDA()) return at::kCPU;
  const auto device = device_named(is_auto ? "cuda" : name);
  if (!device || device->type() == at::kMeta) refuse(name, where, "LibTorch knows no such device");
  if (device->is_cuda()) {
    if (!at::hasCUDA())
      refuse(name, where, "LibTorch finds no GPU here, or the one that berth was built with can't use any");
    make_repeatable();
  }
  try {
    return at::zeros({1}, at::TensorOptions().device(*device)).device();
  } catch (const std::exception& error) {
    refuse(name, where, fmt::format("nothing can be computed there ({})", first_sentence(error.what())));
  }
}

at::Device nearest(const std::string& name) {
  try {
    return chosen(name, {});
  } catch (const Error&) {
    return chosen(kAuto, {});
  }
}

std::string of_process(const std::string& name, int local_rank, int local_size) {
  const auto device = device_named(name == kAuto ? "cuda" : name);
  if (local_size == 1 || !device || !device->is_cuda() || !at::hasCUDA()) return name;
  const auto count = static_cast<std::int64_t>(at::getNumGPUs());
  if (local_size > count || device->has_index()) {
    throw Error(
        ErrorKind::kConfig,
        fmt::format("{} processes on a machine with {} GPUs, and model.device is \"{}\": each needs a GPU of its "
                    "own; start fewer, give \"auto\", or \"cpu\" to share the processor",
                    local_size, count, name));
  }
  return fmt::format("cuda:{}", local_rank);
}

at::Tensor copy_to(const at::Tensor& tensor, at::Device device) {
  if (!tensor.defined() || tensor.device() == device) return tensor;
  const bool is_upload = tensor.is_cpu() && device.is_cuda();
  return (is_upload ? tensor.pin_memory() : tensor).to(device, tensor.scalar_type(), /*non_blocking=*/is_upload);
}

void seed(at::Device device, std::uint64_t seed) {
  auto generator = at::globalContext().defaultGenerator(device);
  const std::scoped_lock lock(generator.mutex());
  generator.set_current_seed(seed);
}

}  // namespace berth::device
