#include "core/data/input_stream.h"

#include <exception>
#include <utility>

#include "berth/error.h"

namespace berth::data {

InputStream::InputStream(const DatasetReader& reader, std::vector<InputFile> files)
    : reader_(reader), files_(std::move(files)) {
  open();
}

std::unique_ptr<Example> InputStream::next() {
  while (stream_) {
    try {
      if (auto example = stream_->next()) {
        example->where.file = renamed(std::move(example->where.file));
        return example;
      }
    } catch (...) {
      rethrow();
    }
    stream_.reset();
    if (++current_ < files_.size()) open();
  }
  return nullptr;
}

void InputStream::open() {
  try {
    stream_ = reader_.open(files_[current_].path.string());
  } catch (...) {
    rethrow();
  }
  if (!stream_) throw Error(ErrorKind::kPlugin, "returned no stream");
}

std::string InputStream::renamed(std::string text) const {
  const auto& [name, path] = files_[current_];
  const auto hidden = path.string();
  if (hidden == name) return text;
  for (auto at = text.find(hidden); at != std::string::npos; at = text.find(hidden, at + name.size())) {
    text.replace(at, hidden.size(), name);
  }
  return text;
}

// What is no berth::Error is the plugin's fault, and left to the guard around its calls, which tells it as it is.
void InputStream::rethrow() const {
  try {
    throw;
  } catch (const Error& error) {
    if (error.where() == nullptr) throw Error(error.kind(), renamed(error.what()));
    auto where = *error.where();
    where.file = renamed(where.file);
    throw Error(Error(error.kind(), where, ""), renamed(error.what()));
  } catch (const std::exception& error) {
    const auto text = renamed(error.what());
    if (text == error.what()) throw;
    throw Error(ErrorKind::kPlugin, text);
  }
}

}  // namespace berth::data
