// The features of a training set in a file that is mapped, so that they take no memory of the process's own, and that
// processes of one machine share. Written and read by the feature cache.
//
// Format 1; all numbers are little-endian, and of 64 bits where nothing else is said:
//
//   0     8 bytes   "berthftr"
//   8               the format
//   16    64 bytes  the key: see feature_key.h
//   80              bytes of the whole file
//   88              sections
//   96              for each section: where it begins, its bytes, its hash (FNV-1a)
//   then            the hash of all that stands before
//
// Sections begin at multiples of 64 in their order, with zeros between them; the last one ends the file:
//
//   ids             [tokens], 32 bits each
//   segments        [tokens], 8 bits each
//   begin           [features + 1] into these
//   first feature   [examples + 1]
//   lines           [examples]
//   of each field   its values, integers or IEEE doubles; [features + 1] into them, or one 0 where it has none
//   description     whether there are targets; the fields (name, type, shape, width, role); which example begins which
//                   file of the set (0: none); the task's state after fit(). Lists and texts have their size in front
//
// Every byte is covered by a hash or is a zero that is looked at, so that a file which is cut, or changed in one bit,
// is known for what it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/data/task_data.h"

namespace berth::data {

// What is read of one.
struct FeatureFile {
  std::int64_t bytes = 0;
  std::string state;  // the task's
  std::vector<FieldSpec> specs;
  FeatureArrays arrays;
  std::uint64_t fingerprint = 0;  // of a store with these
  Numbers<std::int64_t> first_feature;
  Numbers<std::int64_t> lines;
  std::vector<std::pair<std::int64_t, std::uint64_t>> files;  // each from this example on; counted from 1, 0: none
};

// What is wrong with a file that is not to be trained from: "is cut off".
struct DamagedFile {
  std::string reason;
};

// Reads all of it once, to see that it is whole, and maps it. Nothing where there is no such file. Throws DamagedFile
// for one that is not whole, or of another key; Error kIo where it can't be read.
std::optional<FeatureFile> read_feature_file(const std::filesystem::path& path, const std::string& key);

class FeatureFileWriter {
 public:
  struct Options {
    int file = -1;                   // open for writing, empty; not closed by this
    std::filesystem::path path;      // its name
    std::vector<FieldSpec> specs;    // of the features
    std::vector<std::string> names;  // of the files of the set, as they stand in the examples' places
    std::string advice;              // ends messages about what can't be written
  };

  // Until finish(), all arrays but the first are in files without a name in the same folder.
  explicit FeatureFileWriter(Options options);
  ~FeatureFileWriter();
  FeatureFileWriter(const FeatureFileWriter&) = delete;
  FeatureFileWriter& operator=(const FeatureFileWriter&) = delete;

  // The next examples of the set. Throws Error kIo; kConfig for one that comes from no file of the set: what it depends
  // on is not known.
  void add(const TaskData& part);

  // Puts the file together and syncs it. Throws Error kIo.
  void finish(const std::string& key, const std::string& state);

 private:
  class Array;

  std::string description(const std::string& state) const;

  Options options_;
  std::vector<std::unique_ptr<Array>> arrays_;  // as the sections, without the description
  std::optional<bool> has_targets_;
  std::vector<std::pair<std::int64_t, std::uint64_t>> files_;  // as in FeatureFile
  std::int64_t tokens_ = 0;
  std::int64_t features_ = 0;
  std::int64_t examples_ = 0;
  std::vector<std::int64_t> values_;  // of each field
};

}  // namespace berth::data
