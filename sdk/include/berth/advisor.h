// What a task makes of a file that nobody has described yet: `berth init` asks all tasks and writes the suite of the
// one that fits best. An ability of a task, since SDK 1.1; a task without it is not proposed.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "berth/version.h"

namespace berth {
inline namespace v1 {

class Additions;

struct DataSample {
  std::string path;      // as it was given; of a compressed file "mails.csv.gz", its text being what is inside
  std::string text;      // UTF-8; the file's first lines, whole, or the beginning of a single long one
  bool is_whole = true;  // text is all of the file
  // Options of `[tasks.NAME.data]` that the user has chosen: a suggestion keeps to them. Values as TOML writes them.
  std::map<std::string, std::string> chosen;
  const Additions* more = nullptr;  // valid during the call
};

// The values are written as TOML writes them; kit::dump_json() of strings, numbers, booleans and lists of these gives
// that.
struct Suggestion {
  double fit = 0;      // 0 to 1: how sure it is that the file is meant for this task
  std::string reason;  // a sentence for people: "column `stars` has 5 different values"
  std::vector<std::pair<std::string, std::string>> data;     // of `[tasks.NAME.data]`: {"text", "\"review\""}
  std::vector<std::pair<std::string, std::string>> options;  // of `[tasks.NAME.options]`
};

class BERTH_VISIBLE Advisor {
 public:
  virtual ~Advisor() = default;

  // Called on a task of which nothing but describe() was called before. Best first; where the file does not fit: none,
  // or one of fit 0 whose reason says what the task needs. What the file lacks or has wrong is no error here.
  virtual std::vector<Suggestion> suggest(const DataSample& sample) const = 0;
};

}  // namespace v1
}  // namespace berth
