// A device that is none, to prove on any machine that berth computes where it is told to: LibTorch knows it as
// "strict", the processor does its work, but its memory can't be read through a tensor's data pointer, and no operation
// takes tensors of it and of the processor together, as on a GPU. Comes into a program by LD_PRELOAD.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/native/Resize.h>
#include <ATen/native/TensorFactories.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/view_native.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/library.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr auto kStrict = c10::DeviceType::PrivateUse1;

// Such an address is none that the processor takes: reading it ends the program.
constexpr std::uintptr_t kOffset = std::uintptr_t{1} << 62;

void* hidden(void* memory) { return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(memory) + kOffset); }
void* seen(void* pointer) { return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(pointer) - kOffset); }

void release(void* pointer) {
  if (pointer != nullptr) std::free(seen(pointer));
}

struct Memory final : c10::Allocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    const c10::Device device(kStrict, 0);
    if (bytes == 0) return {nullptr, device};
    void* memory = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
    TORCH_CHECK(memory != nullptr, "out of memory");
    void* pointer = hidden(memory);
    return {pointer, pointer, &release, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    std::memcpy(seen(to), seen(const_cast<void*>(from)), bytes);
  }
};

Memory& memory() {
  static Memory memory;
  return memory;
}
REGISTER_ALLOCATOR(kStrict, &memory())

// One device, one stream, nothing to wait for.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kStrict; }
  c10::Device exchangeDevice(c10::Device device) const override { return device; }
  c10::Device getDevice() const override { return {kStrict, 0}; }
  void setDevice(c10::Device /*device*/) const override {}
  void uncheckedSetDevice(c10::Device /*device*/) const noexcept override {}
  c10::Stream getStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getNewStream(c10::Device device, int /*priority*/) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void** /*event*/, const c10::Stream& /*stream*/, c10::DeviceIndex /*index*/,
              c10::EventFlag /*flag*/) const override {}
  void block(void* /*event*/, const c10::Stream& /*stream*/) const override {}
  bool queryEvent(void* /*event*/) const override { return true; }
  void destroyEvent(void* /*event*/, c10::DeviceIndex /*index*/) const noexcept override {}
  bool queryStream(const c10::Stream& /*stream*/) const override { return true; }
  void synchronizeStream(const c10::Stream& /*stream*/) const override {}
  void synchronizeEvent(void* /*event*/) const override {}
  void recordDataPtrOnStream(const c10::DataPtr& /*pointer*/, const c10::Stream& /*stream*/) const override {}
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex /*index*/) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  const at::Generator& getDefaultGenerator(c10::DeviceIndex /*index*/) const override {
    return at::detail::getDefaultCPUGenerator();
  }
};

const bool kIsKnown = [] {
  static Hooks hooks;
  at::RegisterPrivateUse1HooksInterface(&hooks);
  c10::register_privateuse1_backend("strict");
  return true;
}();

at::Tensor empty(c10::SymIntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout> /*layout*/,
                 std::optional<at::Device> /*device*/, std::optional<bool> /*pin*/,
                 std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(C10_AS_INTARRAYREF_SLOW(sizes), &memory(),
                                   c10::DispatchKeySet(c10::DispatchKey::PrivateUse1), c10::dtype_or_default(type),
                                   format);
}

at::Tensor empty_strided(c10::SymIntArrayRef sizes, c10::SymIntArrayRef strides, std::optional<at::ScalarType> type,
                         std::optional<at::Layout> /*layout*/, std::optional<at::Device> /*device*/,
                         std::optional<bool> /*pin*/) {
  return at::detail::empty_strided_generic(C10_AS_INTARRAYREF_SLOW(sizes), C10_AS_INTARRAYREF_SLOW(strides), &memory(),
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(type));
}

at::Tensor as_strided(const at::Tensor& self, c10::SymIntArrayRef sizes, c10::SymIntArrayRef strides,
                      std::optional<c10::SymInt> offset) {
  std::optional<std::int64_t> plain;
  if (offset) plain = offset->expect_int();
  return at::native::as_strided_tensorimpl(self, C10_AS_INTARRAYREF_SLOW(sizes), C10_AS_INTARRAYREF_SLOW(strides),
                                           plain);
}

at::Tensor reshape_alias(const at::Tensor& self, c10::SymIntArrayRef sizes, c10::SymIntArrayRef strides) {
  return as_strided(self, sizes, strides, std::nullopt);
}

at::Tensor view(const at::Tensor& self, c10::SymIntArrayRef sizes) {
  return at::native::view(self, C10_AS_INTARRAYREF_SLOW(sizes));
}

// The same numbers as the processor sees them.
at::Tensor on_processor(const at::Tensor& tensor) {
  if (!tensor.is_privateuseone()) return tensor;
  if (tensor.numel() == 0) return at::empty(tensor.sizes(), tensor.scalar_type());
  return at::from_blob(seen(const_cast<void*>(tensor.const_data_ptr())), tensor.sizes(), tensor.strides(),
                       at::TensorOptions(tensor.scalar_type()));
}

at::Tensor copy_from(const at::Tensor& self, const at::Tensor& target, bool /*non_blocking*/) {
  on_processor(target).copy_(on_processor(self));
  return target;
}

const at::Tensor& resize(const at::Tensor& self, c10::SymIntArrayRef sizes,
                         std::optional<at::MemoryFormat> /*format*/) {
  auto* impl = self.unsafeGetTensorImpl();
  impl->set_sizes_contiguous(C10_AS_INTARRAYREF_SLOW(sizes));
  const auto bytes = static_cast<std::size_t>(self.numel()) * self.element_size();
  auto* storage = impl->unsafe_storage().unsafeGetStorageImpl();
  if (storage->nbytes() < bytes) {
    storage->set_data_ptr(memory().allocate(bytes));
    storage->set_nbytes(bytes);
  }
  return self;
}

at::Tensor copy_from_and_resize(const at::Tensor& self, const at::Tensor& target) {
  if (target.sizes() != self.sizes()) target.resize_(self.sizes());
  return copy_from(self, target, false);
}

at::Scalar number(const at::Tensor& self) { return on_processor(self).item(); }

at::Tensor& set(at::Tensor& self, at::Storage source, c10::SymInt offset, c10::SymIntArrayRef sizes,
                c10::SymIntArrayRef strides) {
  return at::native::set_storage_meta__symint(self, std::move(source), std::move(offset), sizes, strides);
}

// As a GPU has it: its tensors, and numbers of the processor. Only these take indices of the processor as well.
bool takes_indices(const std::string& name) {
  return name == "aten::index" || name.starts_with("aten::index_put") || name.starts_with("aten::_index_put");
}

void check_devices(const c10::OperatorHandle& operation, const torch::jit::Stack& stack) {
  const auto& schema = operation.schema();
  if (takes_indices(schema.name())) return;
  const auto check = [&](const at::Tensor& tensor) {
    TORCH_CHECK(!tensor.defined() || tensor.is_privateuseone() || tensor.dim() == 0, schema.name(),
                ": expected all tensors to be on the same device, but found at least two devices, strict and ",
                tensor.device());
  };
  for (std::size_t i = 0; i < schema.arguments().size(); ++i) {
    const auto& value = torch::jit::peek(stack, i, schema.arguments().size());
    if (value.isTensor()) check(value.toTensor());
    if (!value.isTensorList()) continue;
    for (const at::Tensor& tensor : value.toTensorList()) check(tensor);
  }
}

// Attention of packed sequences, as GPUs have it, and its gradients; told once, so that a test can see that it is used.
struct FlashInput {
  at::Tensor query, key, value;  // [rows, heads, width], on the processor, float32
  at::Tensor query_offsets, key_offsets;
  double scale = 1;
};

// Arguments from `first` on: query, key, value, (with_result: out, logsumexp,) offsets of both, longest of both,
// dropout.
FlashInput flash_input(const c10::OperatorHandle& operation, const torch::jit::Stack& stack, std::size_t first,
                       bool is_backward) {
  const auto& arguments = operation.schema().arguments();
  const auto at = [&](std::size_t i) { return torch::jit::peek(stack, i, arguments.size()); };
  const std::size_t rest = first + (is_backward ? 5 : 3);
  FlashInput input;
  const auto packed = [&](std::size_t i) {
    const at::Tensor tensor = at(i).toTensor();
    TORCH_CHECK(tensor.is_privateuseone() && tensor.scalar_type() == at::kBFloat16 && tensor.dim() == 3 &&
                    tensor.stride(2) == 1 && tensor.size(2) % 8 == 0,
                "flash attention wants bfloat16 [rows, heads, width], the width in steps of 8");
    return on_processor(tensor).to(at::kFloat);
  };
  const auto offsets = [&](std::size_t i, const at::Tensor& of, std::int64_t longest) {
    const at::Tensor tensor = at(i).toTensor();
    TORCH_CHECK(tensor.is_privateuseone() && tensor.scalar_type() == at::kInt && tensor.is_contiguous(),
                "flash attention wants offsets of int32 on the device");
    const at::Tensor own = on_processor(tensor).to(at::kLong);
    TORCH_CHECK(own[-1].item<std::int64_t>() == of.size(0) && own.diff().max().item<std::int64_t>() == longest,
                "offsets of other rows");
    return own;
  };
  input.query = packed(first);
  input.key = packed(first + 1);
  input.value = packed(first + 2);
  input.query_offsets = offsets(rest, input.query, at(rest + 2).toInt());
  input.key_offsets = offsets(rest + 1, input.key, at(rest + 3).toInt());
  TORCH_CHECK(at(rest + 4).toDouble() == 0 && !at(rest + 5).toBool(), "no dropout and no causal mask here");
  for (std::size_t i = rest; i < arguments.size(); ++i) {
    if (arguments[i].name() == "scale") input.scale = at(i).toDouble();
  }
  return input;
}

at::Tensor flash(const FlashInput& in) {
  std::vector<at::Tensor> parts;
  for (std::int64_t b = 0; b + 1 < in.query_offsets.size(0); ++b) {
    const auto rows = [&](const at::Tensor& of, const at::Tensor& offsets) {  // [heads, length, width]
      return of.slice(0, offsets[b].item<std::int64_t>(), offsets[b + 1].item<std::int64_t>()).transpose(0, 1);
    };
    const at::Tensor scores =
        at::matmul(rows(in.query, in.query_offsets), rows(in.key, in.key_offsets).transpose(1, 2));
    parts.push_back(at::matmul(at::softmax(scores.mul(in.scale), -1), rows(in.value, in.key_offsets)).transpose(0, 1));
  }
  return at::cat(parts);
}

at::Tensor on_device(const at::Tensor& tensor) { return tensor.to(at::kBFloat16).to(c10::Device(kStrict, 0)); }

void flash_forward(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  static const bool kTold = std::fputs("strict: flash attention\n", stderr) >= 0;
  (void)kTold;
  const auto input = flash_input(operation, *stack, 0, /*is_backward=*/false);
  torch::jit::drop(*stack, operation.schema().arguments().size());
  const at::Tensor out = on_device(flash(input));
  const at::Tensor none = at::empty({0}, out.options());
  torch::jit::push(*stack, out, none, none, none, none);
}

void flash_backward(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  auto input = flash_input(operation, *stack, 1, /*is_backward=*/true);
  const auto count = operation.schema().arguments().size();
  const at::Tensor gradient = on_processor(torch::jit::peek(*stack, 0, count).toTensor()).to(at::kFloat);
  torch::jit::drop(*stack, count);
  // Below autograd: its keys are left out here.
  auto keys = c10::impl::tls_local_dispatch_key_set();
  keys.excluded_ = keys.excluded_ - c10::autograd_dispatch_keyset_with_ADInplaceOrView;
  const c10::impl::ForceDispatchKeyGuard guard(keys);
  const at::AutoGradMode grad_mode(true);
  for (auto* tensor : {&input.query, &input.key, &input.value}) tensor->set_requires_grad(true);
  const auto gradients = torch::autograd::grad({flash(input)}, {input.query, input.key, input.value}, {gradient});
  torch::jit::push(*stack, on_device(gradients[0]), on_device(gradients[1]), on_device(gradients[2]));
}

void by_processor(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
  check_devices(operation, *stack);
  at::native::cpu_fallback(operation, stack, /*error_on_views=*/true);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&by_processor>());
}

// A parameter may move here from the processor, as to any GPU.
bool can_replace(const at::Tensor& /*self*/, const at::Tensor& /*from*/) { return true; }

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("_flash_attention_forward", torch::CppFunction::makeFromBoxedFunction<&flash_forward>());
  library.impl("_flash_attention_backward", torch::CppFunction::makeFromBoxedFunction<&flash_backward>());
  library.impl("_has_compatible_shallow_copy_type", &can_replace);
  library.impl("empty.memory_format", &empty);
  library.impl("empty_strided", &empty_strided);
  library.impl("as_strided", &as_strided);
  library.impl("view", &view);
  library.impl("_reshape_alias", &reshape_alias);
  library.impl("resize_", &resize);
  library.impl("_copy_from", &copy_from);
  library.impl("_copy_from_and_resize", &copy_from_and_resize);
  library.impl("_local_scalar_dense", &number);
  library.impl("set_.source_Storage_storage_offset", &set);
}

}  // namespace
