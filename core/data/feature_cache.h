// A folder in which the features of training sets are kept from run to run (training.feature_cache): a file for each
// set, named by what it holds (feature_key.h). The first run that needs one makes it, a part of the set at a time,
// while others that need it wait; later ones map it, without a look at the examples. Called where a session starts.
//
// A file appears under its name, KEY.features, when all of it is on the disk. Until then it is KEY.features.partial,
// locked by who writes it; one that nobody holds is left over from a process that was killed, and cleared away by the
// next one that writes. Files are never changed, and may be deleted at any time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/data/task_data.h"
#include "core/plugin/loaded_task.h"

namespace berth::data {

// What a task has of the cache.
struct CacheUse {
  enum class How : std::uint8_t {
    kFound,
    kMade,
    kNone,
  };

  How how = How::kNone;
  std::string why =
      {};  // kNone: it is not in the cache; kMade: what was wrong with the file that was there, if there was one
  std::filesystem::path file = {};
  std::int64_t bytes = 0;
};

// "features of the training set found in cache/0f3a....features, 12.3 MB".
std::string describe(const CacheUse& use);

struct CachedSet {
  TaskData data;  // without examples
  CacheUse use;
};

struct CacheOptions {
  std::filesystem::path folder;
  std::filesystem::path model_folder;  // with the tokenizer
};

// The task's training set. It knows its tokenizer; what it learns of the set (Task::fit) it knows afterwards. Throws
// what fit() and make_task_data() throw; Error kIo for a folder or file that can't be used, kContent where one of the
// set's files changes meanwhile.
CachedSet cached_set(plugin::LoadedTask& task, const FeatureOptions& features, const CacheOptions& options);

}  // namespace berth::data
