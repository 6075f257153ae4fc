// The values of a pickle, read without running anything of it: a call that it asks for is kept as a value, and only the
// names that its reader knows may be called. Of the pickle machine's 68 opcodes, those that torch.save writes for a
// state dict. state_dict.cpp makes tensors of what is read here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::checkpoint {

struct PickleValue {
  enum class Kind {
    kNone,
    kBool,         // number
    kInteger,      // number
    kWideInteger,  // text: its bytes, little-endian, more than 8
    kFloat,        // not kept: no state dict has one
    kText,         // text: as it stands in the file, which may not be UTF-8
    kList,         // items
    kTuple,        // items
    kDict,         // items: key, value, key, value...
    kGlobal,       // text: "module.name"
    kCall,         // text: of the global; items: the arguments
    kPersistent,   // items: the id that stands for something outside of the pickle
  };
  using Id = std::uint32_t;  // of another value of the same pickle

  Kind kind = Kind::kNone;
  std::size_t at = 0;  // of its opcode in the pickle
  std::int64_t number = 0;
  std::string text;
  std::vector<Id> items;
};

// Where a pickle lies, and which globals it may name.
struct PickleSource {
  std::string_view bytes;  // may go on after its end
  std::string file;
  std::string inner;      // the name within the file, "" if it is a part of the file itself
  std::size_t begin = 0;  // in `inner`, or in the file
  bool (*is_known)(std::string_view global) = nullptr;

  // Throws Error kContent with the file and the place.
  [[noreturn]] void fail(std::size_t at, std::string_view text) const;
};

struct Pickle {
  PickleSource source;
  std::vector<PickleValue> values;  // no value holds another: however deep they nest, nothing recurses
  PickleValue::Id root = 0;
  std::size_t size = 0;  // bytes up to the end of its last opcode

  const PickleValue& value(PickleValue::Id id) const { return values[id]; }
};

// Throws Error kContent, with the byte, for a pickle that is cut, larger than 64 MB or of more than a million values,
// for a global that is not known, an opcode that is none of ours, or one that finds other values than it needs. The
// only call that is made is collections.OrderedDict(), which gives an empty dict; attributes set on one are passed
// over.
Pickle read_pickle(const PickleSource& source);

// "a list", "a number"...; for errors.
std::string_view describe(PickleValue::Kind kind);

}  // namespace berth::checkpoint
