#include "core/data/feature_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

#include "core/data/feature_file.h"
#include "core/data/feature_key.h"
#include "core/data/input_files.h"
#include "core/platform/temporary_folder.h"
#include "core/platform/whole_file.h"

namespace berth::data {
namespace fs = std::filesystem;
namespace {

constexpr auto kEnding = ".features";
constexpr auto kPartial = ".partial";
constexpr auto kAdvice = "give training.feature_cache another folder, or take it away";

// Of a part of the set that is held while the file is written.
constexpr std::int64_t kTokensAtOnce = std::int64_t{1} << 20;
constexpr std::int64_t kExamplesAtOnce = std::int64_t{1} << 14;

[[noreturn]] void fail(const fs::path& path, const char* what) {
  throw Error(ErrorKind::kIo, {path.string()}, fmt::format("{}: {}; {}", what, std::strerror(errno), kAdvice));
}

// -1 where it can't be had, with errno.
int open_locked(const fs::path& path, int flags, int lock) {
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0666);
  if (file < 0) return -1;
  while (::flock(file, lock) != 0) {
    if (errno == EINTR) continue;
    const int why = errno;
    ::close(file);
    errno = why;
    return -1;
  }
  return file;
}

// Whether the file still has this name: it loses it when it is renamed or removed by who had it before.
bool has_name(int file, const fs::path& path) {
  struct stat own {};
  struct stat named {};
  return ::fstat(file, &own) == 0 && ::lstat(path.c_str(), &named) == 0 && own.st_dev == named.st_dev &&
         own.st_ino == named.st_ino;
}

// The file under its first name, which this process alone writes to. Waits while another one has it.
class PartialFile {
 public:
  explicit PartialFile(fs::path path) : path_(std::move(path)) {
    do {
      if (file_ >= 0) ::close(file_);
      file_ = open_locked(path_, O_CREAT, LOCK_EX);
      if (file_ < 0) fail(path_, "can't be written");
    } while (!has_name(file_, path_));
    doomed_.emplace(path_);
    if (::ftruncate(file_, 0) != 0) fail(path_, "can't be written");
  }
  ~PartialFile() {
    const bool is_in_place = !doomed_;
    doomed_.reset();  // a signal from here on would take along what another one makes
    if (!is_in_place) ::unlink(path_.c_str());
    ::close(file_);
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  int file() const { return file_; }
  const fs::path& path() const { return path_; }

  void rename(const fs::path& name) {
    doomed_->keep();  // from here on, another one may have a file of the first name
    if (::rename(path_.c_str(), name.c_str()) != 0) fail(name, "can't be put in place");
    doomed_.reset();
    platform::sync(name.parent_path());
  }

 private:
  fs::path path_;
  int file_ = -1;
  std::optional<platform::DoomedFile> doomed_;  // nothing once it is in place
};

// What processes left that were killed.
void remove_leftovers(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const auto& path = entry->path();
    if (path.extension() != kPartial || path.stem().extension() != kEnding) continue;
    const int file = open_locked(path, 0, LOCK_EX | LOCK_NB);
    if (file < 0) continue;
    if (has_name(file, path)) ::unlink(path.c_str());
    ::close(file);
  }
}

std::vector<std::string> names_of(const suite::DataSetConfig& set) {
  std::vector<std::string> names;
  for (const auto& file : input_files(set.path)) names.push_back(file.name);
  return names;
}

bool are_equal(const std::vector<FieldSpec>& a, const std::vector<FieldSpec>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const FieldSpec& x, const FieldSpec& y) {
    return x.name == y.name && x.type == y.type && x.shape == y.shape && x.width == y.width && x.role == y.role;
  });
}

class Cache {
 public:
  Cache(plugin::LoadedTask& task, const FeatureOptions& features, const CacheOptions& options)
      : task_(task),
        features_(features),
        options_(options),
        key_(feature_key(task, features, options.model_folder)),
        file_(options.folder / (key_ + kEnding)) {}

  CachedSet set() {
    if (auto set = find()) return std::move(*set);
    std::error_code error;
    fs::create_directories(options_.folder, error);
    if (error) {
      throw Error(ErrorKind::kIo, {options_.folder.string()},
                  fmt::format("the folder can't be made: {}; {}", error.message(), kAdvice));
    }
    PartialFile partial(file_.string() + kPartial);
    if (auto set = find()) return std::move(*set);  // made while this one waited
    remove_leftovers(options_.folder);
    return make(partial);
  }

 private:
  // Nothing where there is none, or it is not what it has to be: then damage_ says why.
  std::optional<CachedSet> find() {
    try {
      auto file = read_feature_file(file_, key_);
      if (!file) return std::nullopt;
      task_.load_state(file->state);
      return CachedSet{data_of(std::move(*file)), {CacheUse::How::kFound, "", file_, bytes_}};
    } catch (const DamagedFile& damaged) {
      damage_ = damaged.reason;
      return std::nullopt;
    }
  }

  TaskData data_of(FeatureFile file) {
    const auto names = names_of(*task_.config().train);
    Places::Files files;
    for (const auto& [example, place] : file.files) {
      if (place > names.size()) throw DamagedFile{"does not fit together"};
      files.emplace_back(example, place == 0 ? "" : names[place - 1]);
    }
    if (files.empty() || files.front().first != 0) throw DamagedFile{"does not fit together"};
    if (!are_equal(file.specs, task_.fields())) throw DamagedFile{"has other fields than the task declares"};
    bytes_ = file.bytes;
    const auto examples = static_cast<std::int64_t>(file.lines.size());
    FeatureStore store(std::move(file.specs), features_.reals, task_.owner(), std::move(file.arrays), file.fingerprint);
    return {"train",
            std::move(store),
            {},
            {},
            std::move(file.first_feature),
            examples,
            Places(std::move(files), std::move(file.lines))};
  }

  CachedSet make(PartialFile& partial) {
    const auto& set = *task_.config().train;
    read_examples(task_, set, 1);  // throws where there is none
    fit(task_, set, {});
    FeatureFileWriter writer(
        {partial.file(), partial.path(), task_.fields(), names_of(set), fmt::format("free some space, {}", kAdvice)});
    const auto reader = task_.make_reader(set);
    const auto stream = task_.open(*reader, set);
    auto part = empty_task_data(task_, "train", features_);
    while (const auto example = task_.next(*stream)) {
      add_features(make_features(task_, *example, features_), example->where, part);
      if (part.store.tokens() < kTokensAtOnce && part.example_count < kExamplesAtOnce) continue;
      writer.add(part);
      part.clear();
    }
    writer.add(part);
    writer.finish(key_, task_.save_state());
    if (feature_key(task_, features_, options_.model_folder) != key_) {
      throw Error(ErrorKind::kContent, {display_name(set.path)},
                  fmt::format("{}: what its features depend on changed while they were made (a data file, the "
                              "tokenizer, the plugin); start again",
                              task_.owner()));
    }
    auto data = read_back(partial.path());
    partial.rename(file_);
    return {std::move(data), {CacheUse::How::kMade, damage_, file_, bytes_}};
  }

  TaskData read_back(const fs::path& path) {
    try {
      if (auto file = read_feature_file(path, key_)) return data_of(std::move(*file));
      throw DamagedFile{"is gone"};
    } catch (const DamagedFile& damaged) {
      throw Error(ErrorKind::kIo, {path.string()},
                  fmt::format("{}, right after it was written; {}", damaged.reason, kAdvice));
    }
  }

  plugin::LoadedTask& task_;
  const FeatureOptions& features_;
  const CacheOptions& options_;
  std::string key_;
  fs::path file_;
  std::string damage_;
  std::int64_t bytes_ = 0;
};

}  // namespace

std::string describe(const CacheUse& use) {
  if (use.how == CacheUse::How::kNone) {
    return fmt::format("features of the training set not kept in training.feature_cache: {}", use.why);
  }
  const auto size = fmt::format("{}, {:.1f} MB", use.file.string(), static_cast<double>(use.bytes) / 1e6);
  if (use.how == CacheUse::How::kFound) return "features of the training set found in " + size;
  return "features of the training set written to " + size +
         (use.why.empty() ? "" : fmt::format("; the file that was there {}", use.why));
}

CachedSet cached_set(plugin::LoadedTask& task, const FeatureOptions& features, const CacheOptions& options) {
  return Cache(task, features, options).set();
}

}  // namespace berth::data
