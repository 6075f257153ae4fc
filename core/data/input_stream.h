// The examples of a set whose file is not just opened: several files as one stream, and unpacked ones under the names
// that the user knows. Made by plugin::LoadedTask::open(), which passes a plain single file by.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "berth/dataset.h"
#include "core/data/unpack.h"

namespace berth::data {

class InputStream final : public ExampleStream {
 public:
  // Opens the first file; the others follow when the one before is at its end. reader: outlives this. files: at least
  // one. Throws what the reader throws, with the user's names in place and text, and Error kPlugin where it gives no
  // stream.
  InputStream(const DatasetReader& reader, std::vector<InputFile> files);

  std::unique_ptr<Example> next() override;

 private:
  void open();
  // The text with the unpacked file's name replaced by the user's.
  std::string renamed(std::string text) const;
  [[noreturn]] void rethrow() const;

  const DatasetReader& reader_;
  std::vector<InputFile> files_;
  std::size_t current_ = 0;
  std::unique_ptr<ExampleStream> stream_;  // null behind the last file
};

}  // namespace berth::data
