// From files to examples: what a task reads, one at a time, each remembering its file and line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "berth/error.h"
#include "berth/options.h"
#include "berth/version.h"

namespace berth {
inline namespace v1 {

// A task derives its own example from this.
class BERTH_VISIBLE Example {
 public:
  virtual ~Example() = default;

  // The input's fields as a JSON object ({"text": "...", "label": "..."}), which predictions repeat.
  // Where all that from_json() needs is among them, it gives the same input; a long text may be left out.
  virtual std::string json() const { return "{}"; }

  Where where;
};

// Examples of one set, in the order of the file. Used by one thread at a time. May be larger than memory.
class BERTH_VISIBLE ExampleStream {
 public:
  virtual ~ExampleStream() = default;

  // The next example, or null at the end. Throws Error kContent (file, line, what is wrong) on a bad row.
  virtual std::unique_ptr<Example> next() = 0;
};

// Reads one set of a task; the host makes one reader a set, so that a set may override how its file is read.
class BERTH_VISIBLE DatasetReader {
 public:
  virtual ~DatasetReader() = default;

  // Declares the options of `[tasks.NAME.data]`: format, columns, label_map...
  virtual void describe(Options& options) { (void)options; }

  // Called after describe() and after the options were filled. Throws Error kIo where the file can't be read.
  virtual std::unique_ptr<ExampleStream> open(const std::string& path) const = 0;

  // One line of `berth predict`: a JSON object with the fields that a row of the file has. Labels, should there be any,
  // are left out: what is to be answered may have one that nobody knows. Throws Error kContent for what it can't read.
  virtual std::unique_ptr<Example> from_json(std::string_view json, const Where& where) const = 0;
};

}  // namespace v1
}  // namespace berth
