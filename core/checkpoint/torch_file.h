// Files of torch.save that hold a state dict, such as pytorch_model.bin, without Python and without running any of what
// such a file may ask for. Both formats: the zip archives of torch 1.6 and later, and the stream of pickles before,
// which many models on the Hugging Face hub still are. load_encoder opens them.
#pragma once

#include <filesystem>

#include "core/checkpoint/tensor_file.h"

namespace berth::checkpoint {

// Entries stand in the order of the dict.
class TorchFile : public TensorFile {
 public:
  // Checks all that is read: structure, bounds and, in the zip format, the CRC-32 of every storage. Throws Error kIo
  // where the file can't be read; kContent, with the place, for what is damaged, hostile or no state dict.
  explicit TorchFile(const std::filesystem::path& path);

 private:
  std::vector<Entry> read_archive() const;
  std::vector<Entry> read_stream() const;
  [[noreturn]] void fail(const std::string& text) const;

  std::string path_;
};

}  // namespace berth::checkpoint
