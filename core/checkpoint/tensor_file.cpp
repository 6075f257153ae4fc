#include "core/checkpoint/tensor_file.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/ScalarType.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "berth/error.h"
#include "core/checkpoint/plain_text.h"
#include "core/platform/descriptor.h"

namespace berth::checkpoint {

static_assert(std::endian::native == std::endian::little, "tensors are read and written as they lie in memory");

namespace {

constexpr std::size_t kLongestName = 1024;

// Which entries share bytes with another. In the order of their begins, one shares with those before it if it does with
// the one of them that goes on the longest; that one is all that those after it can share with, too.
std::vector<bool> shared(const std::vector<TensorFile::Entry>& entries) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].begin < entries[i].end) order.push_back(i);
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return entries[a].begin < entries[b].begin; });
  std::vector<bool> result(entries.size());
  std::size_t longest = order.empty() ? 0 : order.front();
  for (std::size_t i = 1; i < order.size(); ++i) {
    const std::size_t next = order[i];
    if (entries[next].begin < entries[longest].end) result[next] = result[longest] = true;
    if (entries[next].end > entries[longest].end) longest = next;
  }
  return result;
}

struct Unmap {
  std::size_t size = 0;
  void operator()(char* data) const { ::munmap(data, size); }
};

class OpenFile {
 public:
  // Not to wait for whoever writes to a pipe: it is refused as soon as it is open.
  explicit OpenFile(const std::filesystem::path& path)
      : path_(path.string()), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (file_ < 0) fail(std::strerror(errno));
  }
  ~OpenFile() { ::close(file_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  const std::string& path() const { return path_; }

  std::size_t size() const {
    struct stat status {};
    if (::fstat(file_, &status) != 0) fail(std::strerror(errno));
    if (!S_ISREG(status.st_mode)) fail("not a regular file");
    return static_cast<std::size_t>(status.st_size);
  }

  // The bytes [begin, end), which follow those that were read before.
  void read(char* data, std::size_t begin, std::size_t end) const {
    while (begin < end) {
      const ssize_t count = platform::read_some(file_, data, end - begin);
      if (count < 0) fail(std::strerror(errno));
      if (count == 0)
        fail(fmt::format("it ended after {} bytes, sooner than its size says: something writes to it", begin));
      begin += static_cast<std::size_t>(count);
      data += count;
    }
  }

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(ErrorKind::kIo, Where{path_}, fmt::format("can't be read: {}", why));
  }

 private:
  std::string path_;
  int file_;
};

}  // namespace

// The file's bytes, in pages of our own: a file that is cut while it is mapped would end the process.
class TensorFile::Contents {
 public:
  Contents(const std::filesystem::path& path, void (*check)(const Start& start)) {
    const OpenFile file(path);
    const std::size_t size = file.size();
    std::array<char, 64> start{};
    const std::size_t started = std::min(size, start.size());
    file.read(start.data(), 0, started);
    const std::string_view seen(start.data(), started);
    if (seen.starts_with("version https://git-lfs")) {
      throw Error(ErrorKind::kContent, Where{file.path()},
                  "only a pointer of Git LFS, not the file itself; fetch it with: git lfs pull");
    }
    check({file.path(), seen, size});
    if (size == 0) return;
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) file.fail(fmt::format("no memory for its {} bytes: {}", size, std::strerror(errno)));
    memory_ = {static_cast<char*>(memory), Unmap{size}};
    std::memcpy(data(), start.data(), started);
    file.read(data() + started, started, size);
    if (::mprotect(data(), size, PROT_READ) != 0) file.fail(std::strerror(errno));
  }

  char* data() const { return memory_.get(); }
  std::size_t size() const { return memory_.get_deleter().size; }

  // Of whole pages alone: others may have bytes of something else.
  void release(std::size_t begin, std::size_t end) const {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    begin = (begin + page - 1) / page * page;
    end = end / page * page;
    if (begin < end) ::madvise(data() + begin, end - begin, MADV_DONTNEED);
  }

 private:
  std::unique_ptr<char, Unmap> memory_;
};

TensorFile::TensorFile(const std::filesystem::path& path, void (*check)(const Start& start))
    : path_(path), contents_(std::make_shared<const Contents>(path, check)) {}

std::string_view TensorFile::bytes() const { return {contents_->data(), contents_->size()}; }

void TensorFile::set_entries(std::vector<Entry> entries) {
  for (const Entry& entry : entries) {
    if (entry.name.size() > kLongestName || !is_plain_text(entry.name)) {
      throw Error(ErrorKind::kContent, Where{path_.string()},
                  fmt::format("{} is no name for a tensor; expected at most {} bytes of UTF-8 without control "
                              "characters. Rename it and save the file anew",
                              in_quotes(entry.name), kLongestName));
    }
  }
  entries_ = std::move(entries);
  for (std::size_t i = 0; i < entries_.size(); ++i) index_.emplace(entries_[i].name, i);
  is_shared_ = shared(entries_);
}

bool TensorFile::contains(const std::string& name) const { return index_.count(name) > 0; }

const TensorFile::Entry& TensorFile::entry(const std::string& name) const {
  const auto found = index_.find(name);
  if (found == index_.end()) {
    throw Error(ErrorKind::kContent, Where{path_.string()}, fmt::format("there is no tensor {}", in_quotes(name)));
  }
  return entries_[found->second];
}

at::Tensor TensorFile::tensor(const std::string& name) const {
  const Entry& found = entry(name);
  const auto options = at::TensorOptions().dtype(found.dtype);
  if (found.begin == found.end) return at::empty(found.shape, options);
  char* data = contents_->data() + found.begin;
  const std::size_t element = c10::elementSize(found.dtype);
  if (reinterpret_cast<std::uintptr_t>(data) % element != 0) {
    at::Tensor copy = at::empty({static_cast<std::int64_t>((found.end - found.begin) / element)}, options);
    std::memcpy(copy.mutable_data_ptr(), data, found.end - found.begin);
    return found.strides.empty() ? copy.view(found.shape) : copy.as_strided(found.shape, found.strides);
  }
  const auto keep = [contents = contents_](void*) {};
  if (found.strides.empty()) return at::from_blob(data, found.shape, keep, options);
  return at::from_blob(data, found.shape, found.strides, keep, options);
}

void TensorFile::release(const std::string& name) const {
  const Entry& found = entry(name);
  if (!is_shared_[static_cast<std::size_t>(&found - entries_.data())]) contents_->release(found.begin, found.end);
}

}  // namespace berth::checkpoint
