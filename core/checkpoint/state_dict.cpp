#include "core/checkpoint/state_dict.h"

#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include "berth/error.h"
#include "core/checkpoint/plain_text.h"
#include "core/text/utf8.h"

namespace berth::checkpoint {
namespace {

using Id = PickleValue::Id;
using Kind = PickleValue::Kind;

constexpr std::string_view kTensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view kTypedTensor = "torch._utils._rebuild_tensor_v3";  // of types that have no storage class
constexpr std::string_view kParameter = "torch._utils._rebuild_parameter";
constexpr std::string_view kUntyped = "torch.storage.UntypedStorage";
constexpr std::array<std::string_view, 5> kOthers{"collections.OrderedDict", kTensor, kTypedTensor, kParameter,
                                                  kUntyped};
constexpr std::size_t kMostDimensions = 8;
constexpr std::size_t kMostTensors = 100'000;
constexpr std::size_t kLongestKey = 256;  // torch.save numbers storages, or writes an address

using Types = std::pair<std::string_view, at::ScalarType>;
constexpr std::array<Types, 16> kTypes{{
    {"torch.DoubleStorage", at::kDouble},
    {"torch.FloatStorage", at::kFloat},
    {"torch.HalfStorage", at::kHalf},
    {"torch.BFloat16Storage", at::kBFloat16},
    {"torch.LongStorage", at::kLong},
    {"torch.IntStorage", at::kInt},
    {"torch.ShortStorage", at::kShort},
    {"torch.CharStorage", at::kChar},
    {"torch.ByteStorage", at::kByte},
    {"torch.BoolStorage", at::kBool},
    {"torch.ComplexFloatStorage", at::kComplexFloat},
    {"torch.float8_e4m3fn", at::kFloat8_e4m3fn},
    {"torch.float8_e5m2", at::kFloat8_e5m2},
    {"torch.uint64", at::kUInt64},
    {"torch.uint32", at::kUInt32},
    {"torch.uint16", at::kUInt16},
}};

const Types* find_type(std::string_view global) {
  const auto* const found =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const Types& type) { return type.first == global; });
  return found == kTypes.end() ? nullptr : found;
}

class Reader {
 public:
  explicit Reader(const Pickle& pickle) : pickle_(pickle) {}

  StateDict read() {
    const PickleValue& root = pickle_.value(pickle_.root);
    if (root.kind != Kind::kDict) {
      fail(root, fmt::format("the file holds {}; {}", describe(root.kind), kExpected));
    }
    if (const std::size_t count = root.items.size() / 2; count > kMostTensors) {
      fail(root, fmt::format("the file holds a dict of {} values, at most {} are read", count, kMostTensors));
    }
    for (std::size_t i = 0; i < root.items.size(); i += 2) {
      const PickleValue& name = pickle_.value(root.items[i]);
      const PickleValue& value = pickle_.value(root.items[i + 1]);
      if (name.kind != Kind::kText)
        fail(name, fmt::format("the name of a tensor is {}; {}", describe(name.kind), kExpected));
      name_ = name.text;
      if (!text::is_valid_utf8(name_.data(), name_.data() + name_.size())) fail(name, "is not a name in UTF-8");
      if (!names_.insert(name_).second) fail(name, "stands there twice");
      if (value.kind != Kind::kCall) fail_value(root, value);
      read_tensor(value);
    }
    return std::move(result_);
  }

 private:
  static constexpr std::string_view kExpected =
      "expected what torch.save(model.state_dict(), FILE) writes, a dict of names and tensors";

  [[noreturn]] void fail(const PickleValue& at, const std::string& text) const {
    pickle_.source.fail(at.at, name_.empty() ? text : fmt::format("{}: {}", in_quotes(name_), text));
  }

  // Most often it is a checkpoint of training, with the state dict as one of its values.
  [[noreturn]] void fail_value(const PickleValue& root, const PickleValue& value) const {
    std::string advice;
    for (std::size_t i = 0; i < root.items.size() && advice.empty(); i += 2) {
      const PickleValue& key = pickle_.value(root.items[i]);
      if (key.kind == Kind::kText && pickle_.value(root.items[i + 1]).kind == Kind::kDict) {
        advice = fmt::format(
            ". If this is a checkpoint of training with the state dict at {0}, write that alone: "
            "torch.save(torch.load(FILE)[{0}], NEW_FILE)",
            in_quotes(key.text));
      }
    }
    fail(value, fmt::format("is {}, not a tensor; {}{}", describe(value.kind), kExpected, advice));
  }

  const PickleValue& argument(const PickleValue& call, std::size_t index, Kind kind, std::string_view what) const {
    const PickleValue& found = pickle_.value(call.items[index]);
    if (found.kind != kind)
      fail(call, fmt::format("{} is {}, expected {}", what, describe(found.kind), describe(kind)));
    return found;
  }

  // A size, stride or offset.
  std::int64_t count(const PickleValue& call, const PickleValue& value, std::string_view what) const {
    if (value.kind != Kind::kInteger || value.number < 0) {
      fail(call, fmt::format("{} is not a number from 0 on that memory can hold", what));
    }
    return value.number;
  }

  std::vector<std::int64_t> counts(const PickleValue& call, std::size_t index, std::string_view what) const {
    const PickleValue& tuple = argument(call, index, Kind::kTuple, what);
    if (tuple.items.size() > kMostDimensions) fail(call, fmt::format("has more than {} dimensions", kMostDimensions));
    std::vector<std::int64_t> numbers;
    numbers.reserve(tuple.items.size());
    for (const Id id : tuple.items) numbers.push_back(count(call, pickle_.value(id), what));
    return numbers;
  }

  // A parameter is the tensor that it has; whether it wants gradients is not the file's to say.
  void read_tensor(const PickleValue& value) {
    const PickleValue* call = &value;
    if (call->text == kParameter) {
      if (call->items.size() != 3) fail(*call, "is a parameter of another number of arguments than three");
      call = &argument(*call, 0, Kind::kCall, "what the parameter has");
    }
    const bool is_typed = call->text == kTypedTensor;
    if (!is_typed && call->text != kTensor)
      fail(*call, fmt::format("is made by {}; {}", in_quotes(call->text), kExpected));
    if (call->items.size() != (is_typed ? 7U : 6U)) {
      fail(*call, fmt::format("is made of {} values, expected {}: conjugate and negative views, and attributes of a "
                              "tensor, are not read",
                              call->items.size(), is_typed ? 7 : 6));
    }
    if (!argument(*call, 5, Kind::kDict, "the backward hooks").items.empty()) fail(*call, "has backward hooks");
    StateDict::Tensor tensor{{name_, at::kFloat, {}}, 0};
    const PickleValue& id = argument(*call, 0, Kind::kPersistent, "the storage");
    tensor.entry.dtype = is_typed ? type_of(argument(*call, 6, Kind::kGlobal, "the type")) : at::ScalarType::Undefined;
    const Storage& storage = read_storage(id, tensor);
    place(*call, storage, tensor.entry);
    result_.tensors.push_back(std::move(tensor));
  }

  at::ScalarType type_of(const PickleValue& global) const {
    const Types* type = find_type(global.text);
    if (type == nullptr) fail(global, fmt::format("{} is not a type of tensors", in_quotes(global.text)));
    return type->second;
  }

  // ('storage', class, key, device, elements), and None at the end in the old format. Sets the tensor's type by the
  // class, unless it is set: then the class is that of bytes.
  const Storage& read_storage(const PickleValue& id, StateDict::Tensor& tensor) {
    const bool is_short = id.items.size() == 5;
    if ((!is_short && id.items.size() != 6) ||
        argument(id, 0, Kind::kText, "the kind of the storage").text != "storage") {
      fail(id, fmt::format("is not kept in a storage; {}, not the model itself", kExpected));
    }
    if (!is_short) argument(id, 5, Kind::kNone, "the view of the storage");
    const PickleValue& type = argument(id, 1, Kind::kGlobal, "the storage's class");
    const std::string& key = argument(id, 2, Kind::kText, "the storage's key").text;
    if (key.size() > kLongestKey) {
      fail(id, fmt::format("its storage's key has {} bytes, at most {} are read", key.size(), kLongestKey));
    }
    const bool is_untyped = type.text == kUntyped;
    if (is_untyped != (tensor.entry.dtype != at::ScalarType::Undefined)) {
      fail(id, fmt::format("its storage is of class {}, which doesn't fit its type", in_quotes(type.text)));
    }
    if (!is_untyped) tensor.entry.dtype = type_of(type);
    Storage storage{key, is_untyped ? 1 : c10::elementSize(tensor.entry.dtype), 0};
    storage.count =
        static_cast<std::size_t>(count(id, pickle_.value(id.items[4]), "the number of elements of its storage"));
    if (std::size_t bytes = 0; __builtin_mul_overflow(storage.element, storage.count, &bytes)) {
      fail(id, "its storage is larger than any memory");
    }
    const auto [known, is_new] = places_.emplace(key, result_.storages.size());
    tensor.storage = known->second;
    if (is_new) {
      result_.storages.push_back(std::move(storage));
    } else if (result_.storages[tensor.storage] != storage) {
      fail(id, "its storage has another type or size elsewhere in the file");
    }
    return result_.storages[tensor.storage];
  }

  // Reads offset, sizes and strides, and sets which bytes of the storage they reach.
  void place(const PickleValue& call, const Storage& storage, TensorFile::Entry& entry) const {
    const std::int64_t offset = count(call, pickle_.value(call.items[1]), "the offset");
    entry.shape = counts(call, 2, "the size");
    entry.strides = counts(call, 3, "the stride");
    if (entry.shape.size() != entry.strides.size()) fail(call, "has another number of strides than of sizes");
    const auto element = static_cast<std::int64_t>(c10::elementSize(entry.dtype));
    std::int64_t bytes = element;  // of a copy; counts zero sizes as one, since strides are computed like that
    std::int64_t last = offset;    // element that it reaches
    bool overflows = false;
    bool is_contiguous = true;
    bool is_empty = false;
    for (std::size_t i = entry.shape.size(); i-- > 0;) {
      const std::int64_t size = std::max<std::int64_t>(entry.shape[i], 1);
      std::int64_t reach = 0;
      is_empty = is_empty || entry.shape[i] == 0;
      is_contiguous = is_contiguous && (size == 1 || entry.strides[i] == bytes / element);
      overflows = overflows || __builtin_mul_overflow(bytes, size, &bytes) ||
                  __builtin_mul_overflow(size - 1, entry.strides[i], &reach) ||
                  __builtin_add_overflow(last, reach, &last);
    }
    std::int64_t end = 0;  // in bytes
    overflows = overflows || __builtin_add_overflow(last, 1, &end) || __builtin_mul_overflow(end, element, &end);
    if (overflows || (!is_empty && static_cast<std::size_t>(end) > storage.bytes())) {
      fail(call,
           fmt::format("its size [{}] with strides [{}] from element {} on is more than its storage of {} bytes has",
                       fmt::join(entry.shape, ", "), fmt::join(entry.strides, ", "), offset, storage.bytes()));
    }
    if (is_empty || is_contiguous) entry.strides.clear();
    if (is_empty) return;
    entry.begin = static_cast<std::size_t>(offset * element);
    entry.end = static_cast<std::size_t>(end);
  }

  const Pickle& pickle_;
  std::string name_;  // of the tensor being read
  std::set<std::string> names_;
  std::map<std::string, std::size_t> places_;  // of the storages, by their keys
  StateDict result_;
};

}  // namespace

bool is_state_dict_global(std::string_view global) {
  return find_type(global) != nullptr || std::find(kOthers.begin(), kOthers.end(), global) != kOthers.end();
}

StateDict read_state_dict(const Pickle& pickle) { return Reader(pickle).read(); }

}  // namespace berth::checkpoint
