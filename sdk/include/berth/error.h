// The one exception of berth. Tasks throw it for bad input; the host adds which plugin, call and batch it came from.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "berth/version.h"

namespace berth {
inline namespace v1 {

// What failed. Each kind maps to an exit code of the program: the numbers here are those codes.
enum class ErrorKind : int {
  kConfig = 2,   // usage, or a key or value of the suite
  kContent = 3,  // what stands in a data or model file
  kPlugin = 4,   // a plugin that can't be loaded, or that broke its contract
  kNumeric = 5,  // a loss that is not finite, a matrix that can't be used
  kIo = 6,       // a file that is missing, unreadable or can't be written
};

// A place in a file. Line and column count from 1; 0 means unknown.
struct Where {
  std::string file;
  std::int64_t line = 0;
  std::int64_t column = 0;
};

// "file:line:column: ", with the unknown parts left out; "" where nothing is known.
inline std::string to_string(const Where& where) {
  if (where.file.empty()) return "";
  std::string text = where.file;
  if (where.line > 0) text.append(":").append(std::to_string(where.line));
  if (where.line > 0 && where.column > 0) text.append(":").append(std::to_string(where.column));
  return text + ": ";
}

// The text says what failed, what was found, what was expected, and what to do.
class BERTH_VISIBLE Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Error(ErrorKind kind, const Where& where, const std::string& text)
      : std::runtime_error(to_string(where) + text),
        kind_(kind),
        where_(where.file.empty() ? nullptr : std::make_shared<const Where>(where)) {}
  // Another text, with kind and place of what caused it.
  Error(const Error& cause, const std::string& text)
      : std::runtime_error(text), kind_(cause.kind_), where_(cause.where_) {}

  ErrorKind kind() const noexcept { return kind_; }
  const Where* where() const noexcept { return where_.get(); }  // null where no place is known

 private:
  ErrorKind kind_;
  std::shared_ptr<const Where> where_;  // shared, so that copying an exception throws nothing
};

}  // namespace v1
}  // namespace berth
