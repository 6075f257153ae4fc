// The tensors that a pickled state dict describes: names, types, shapes and which bytes of which storage they take.
// Called by TorchFile, for both of torch.save's formats; the storages themselves lie elsewhere in the file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/checkpoint/pickle.h"
#include "core/checkpoint/tensor_file.h"

namespace berth::checkpoint {

// What the pickle says of one.
struct Storage {
  std::string key;          // at most 256 bytes
  std::size_t element = 0;  // bytes of one
  std::size_t count = 0;    // elements

  std::size_t bytes() const { return element * count; }  // checked not to overflow
  bool operator==(const Storage&) const = default;
};

struct StateDict {
  struct Tensor {
    TensorFile::Entry entry;  // begin and end count from the start of its storage
    std::size_t storage = 0;  // its place in `storages`
  };
  std::vector<Tensor> tensors;    // in the dict's order
  std::vector<Storage> storages;  // each key once
};

// The globals that a state dict may name: for PickleSource.
bool is_state_dict_global(std::string_view global);

// Throws Error kContent for what is not a dict of names and tensors, for a name that stands twice or is not UTF-8, for
// a tensor that does not lie within its storage, and for more than 100,000 tensors. What it takes stays in proportion
// to the pickle, though one value of a pickle may stand under any number of names.
StateDict read_state_dict(const Pickle& pickle);

}  // namespace berth::checkpoint
