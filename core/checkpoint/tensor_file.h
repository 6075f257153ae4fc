// A file of named tensors, read into memory: what the readers of safetensors and of torch.save's files share, and all
// that load_encoder needs to know of either.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth::checkpoint {

class TensorFile {
 public:
  struct Entry {
    std::string name;
    at::ScalarType dtype;
    std::vector<std::int64_t> shape;
    // Where its values lie, in bytes from the start of the file. Tensors of torch.save may share some.
    std::size_t begin = 0;
    std::size_t end = 0;
    std::vector<std::int64_t> strides = {};  // in elements; none for a contiguous tensor
  };

  // What a file's format is told by.
  struct Start {
    std::string path;
    std::string_view bytes;  // the first 64, or all where it has fewer
    std::size_t file_size = 0;
  };

  virtual ~TensorFile() = default;
  TensorFile(const TensorFile&) = delete;
  TensorFile& operator=(const TensorFile&) = delete;

  const std::vector<Entry>& entries() const { return entries_; }
  bool contains(const std::string& name) const;
  std::size_t size() const { return bytes().size(); }  // of the whole file

  // A view of what was read, which it keeps alive (a copy where the file has it at an odd address). Its memory can't be
  // written to: whoever tries, crashes. Throws Error kContent where there is no such entry.
  at::Tensor tensor(const std::string& name) const;

  // Gives the memory of an entry back, which nobody asks for any more. One that shares bytes with another stays.
  void release(const std::string& name) const;

 protected:
  // check: throws for a file that is not to be read, before memory is taken for all of it; what it has seen is what is
  // then in memory. Throws Error kIo where the file can't be read.
  TensorFile(const std::filesystem::path& path, void (*check)(const Start& start));

  std::string_view bytes() const;

  // The reader vouches that each entry's values lie within the file and that no name stands twice. Throws Error
  // kContent for a name that can't be printed: it's not UTF-8, has control characters or more than 1024 bytes.
  void set_entries(std::vector<Entry> entries);

 private:
  class Contents;
  const Entry& entry(const std::string& name) const;

  std::filesystem::path path_;
  std::shared_ptr<const Contents> contents_;
  std::vector<Entry> entries_;
  std::vector<bool> is_shared_;  // by entry: whether another has some of its bytes
  std::map<std::string, std::size_t> index_;
};

}  // namespace berth::checkpoint
