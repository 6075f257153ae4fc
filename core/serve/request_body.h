// Reads what clients send: JSON of bounded depth in UTF-8, and the shapes that core/serve/service takes.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace berth::serve {

// What is wrong with a request. Not an Error: it goes back to the client, with status 400.
class BadRequest : public std::runtime_error {
 public:
  BadRequest(std::string code, const std::string& message) : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

// Those below throw BadRequest for what is not UTF-8, not JSON, nested deeper than 64 levels, or has an object of more
// than 1,000 keys.

// Body of POST /v1/tasks/NAME: one object, or a list of them.
struct RowsBody {
  std::vector<std::string> rows;  // each a JSON object
  bool is_list = false;
};
RowsBody read_rows(const std::string& body);

// Body of POST /v1/predict: {"input": {...}, "tasks": [...]}.
struct PredictBody {
  std::string input;               // a JSON object
  std::vector<std::string> tasks;  // each once; empty where none were named
};
PredictBody read_predict(const std::string& body);

}  // namespace berth::serve
