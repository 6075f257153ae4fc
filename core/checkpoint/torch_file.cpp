#include "core/checkpoint/torch_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "berth/error.h"
#include "core/checkpoint/pickle.h"
#include "core/checkpoint/plain_text.h"
#include "core/checkpoint/state_dict.h"
#include "core/checkpoint/zip_archive.h"

// The archive: FOLDER/data.pkl, the pickled dict; FOLDER/data/KEY, a storage each; FOLDER/byteorder and others.
// The stream: a pickle each of the magic number, the version, the byte order, the dict and the list of the storages'
// keys; then for each key in this order the number of its elements, in 8 bytes, and the elements.

namespace berth::checkpoint {
namespace {

using Kind = PickleValue::Kind;

constexpr std::string_view kArchiveStart = "PK\3\4";
constexpr char kPickleStart = '\x80';
constexpr std::string_view kMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";  // 0x1950a86a20f9469cfc6c
constexpr const char* kNoMagic = "a pickle, but not one of torch.save's, which begin with a magic number";
constexpr std::int64_t kVersion = 1001;
constexpr std::string_view kPickleName = "data.pkl";

[[noreturn]] void fail_file(const std::string& path, const std::string& text) {
  throw Error(ErrorKind::kContent, Where{path}, text);
}

// Whether a file that begins like this may be one of torch.save. The magic number stands in the first pickle, after a
// few bytes that depend on its protocol.
void check_start(const TensorFile::Start& start) {
  if (start.bytes.starts_with(kArchiveStart)) return;
  if (!start.bytes.starts_with(kPickleStart)) {
    fail_file(start.path, "not a file of torch.save: it begins neither as a zip archive nor as a pickle");
  }
  if (start.bytes.find(kMagic) == std::string_view::npos) {
    fail_file(start.path, kNoMagic);
  }
}

// The tensors with their places in the file. begins: where each storage lies in it.
std::vector<TensorFile::Entry> placed(StateDict dict, const std::vector<std::size_t>& begins) {
  std::vector<TensorFile::Entry> entries;
  entries.reserve(dict.tensors.size());
  for (StateDict::Tensor& tensor : dict.tensors) {
    const std::size_t begin = begins[tensor.storage];
    tensor.entry.begin += begin;
    tensor.entry.end += begin;
    entries.push_back(std::move(tensor.entry));
  }
  return entries;
}

// The pickles of a stream, one after the other.
class Stream {
 public:
  Stream(std::string_view bytes, std::string path) : bytes_(bytes), path_(std::move(path)) {}

  Pickle next() {
    Pickle pickle = read_pickle({bytes_.substr(at_), path_, "", at_, &is_state_dict_global});
    at_ += pickle.size;
    return pickle;
  }

  std::size_t at() const { return at_; }

 private:
  std::string_view bytes_;
  std::string path_;
  std::size_t at_ = 0;
};

// The value of a key of a dict; null where it has none.
const PickleValue* find(const Pickle& pickle, std::string_view key) {
  const PickleValue& dict = pickle.value(pickle.root);
  if (dict.kind != Kind::kDict) return nullptr;
  for (std::size_t i = 0; i < dict.items.size(); i += 2) {
    const PickleValue& name = pickle.value(dict.items[i]);
    if (name.kind == Kind::kText && name.text == key) return &pickle.value(dict.items[i + 1]);
  }
  return nullptr;
}

// Checks the three pickles that a stream begins with.
void read_preamble(Stream& stream) {
  const Pickle magic = stream.next();
  if (const PickleValue& value = magic.value(magic.root); value.kind != Kind::kWideInteger || value.text != kMagic) {
    magic.source.fail(0, kNoMagic);
  }
  const Pickle version = stream.next();
  if (const PickleValue& value = version.value(version.root);
      value.kind != Kind::kInteger || value.number != kVersion) {
    version.source.fail(0, fmt::format("not the version {} of torch.save's format, the one that is read", kVersion));
  }
  const Pickle system = stream.next();
  const PickleValue* order = find(system, "little_endian");
  if (order == nullptr || order->kind != Kind::kBool || order->number != 1) {
    system.source.fail(0, "the file doesn't say that it is little-endian; save it on a machine that is");
  }
}

// The storages in the order in which they follow, as places in the dict's list: each of them once.
std::vector<std::size_t> read_order(const Pickle& pickle, const StateDict& dict) {
  const PickleValue& list = pickle.value(pickle.root);
  if (list.kind != Kind::kList) pickle.source.fail(0, "expected the list of the storages' keys");
  std::map<std::string_view, std::size_t> left;
  for (std::size_t i = 0; i < dict.storages.size(); ++i) left.emplace(dict.storages[i].key, i);
  std::vector<std::size_t> order;
  order.reserve(dict.storages.size());
  for (const PickleValue::Id id : list.items) {
    const PickleValue& key = pickle.value(id);
    const auto found = key.kind == Kind::kText ? left.find(key.text) : left.end();
    if (found == left.end()) {
      pickle.source.fail(
          key.at, fmt::format("a storage {} that no tensor has, or that stands there twice", in_quotes(key.text)));
    }
    order.push_back(found->second);
    left.erase(found);
  }
  if (!left.empty()) {
    pickle.source.fail(
        0, fmt::format("{} storages are listed, but the tensors have {}", order.size(), dict.storages.size()));
  }
  return order;
}

}  // namespace

TorchFile::TorchFile(const std::filesystem::path& path) : TensorFile(path, &check_start), path_(path.string()) {
  set_entries(bytes().starts_with(kArchiveStart) ? read_archive() : read_stream());
}

void TorchFile::fail(const std::string& text) const { fail_file(path_, text); }

std::vector<TensorFile::Entry> TorchFile::read_archive() const {
  const ZipArchive archive(bytes(), path_);
  std::string folder;
  for (const auto& [name, entry] : archive.entries()) {
    if (const std::size_t slash = name.find('/'); name.substr(slash + 1) == kPickleName && slash != std::string::npos) {
      if (!folder.empty()) fail("the zip archive has two files data.pkl; torch.save writes one");
      folder = name.substr(0, slash + 1);
    }
  }
  if (folder.empty()) fail("a zip archive without data.pkl, so none of torch.save's");
  if (archive.find(folder + "constants.pkl") != nullptr) {
    fail("a program of TorchScript (torch.jit.save), expected a state dict: torch.save(model.state_dict(), FILE)");
  }
  if (archive.find(folder + "byteorder") != nullptr && archive.read(folder + "byteorder") != "little") {
    fail("the file is not little-endian; save it on a machine that is");
  }
  const std::string name = folder + std::string(kPickleName);
  const Pickle pickle = read_pickle({archive.read(name), path_, std::string(kPickleName), 0, &is_state_dict_global});
  if (pickle.size != pickle.source.bytes.size())
    pickle.source.fail(pickle.size, "something follows the end of the pickle");
  StateDict dict = read_state_dict(pickle);
  std::vector<std::size_t> begins;
  begins.reserve(dict.storages.size());
  for (const Storage& storage : dict.storages) {
    const std::string stored = fmt::format("{}data/{}", folder, storage.key);
    const std::string_view content = archive.read(stored);
    if (content.size() != storage.bytes()) {
      fail(fmt::format("entry {} of the zip archive has {} bytes, the tensors in it need {}", in_quotes(stored),
                       content.size(), storage.bytes()));
    }
    begins.push_back(archive.find(stored)->begin);
  }
  return placed(std::move(dict), begins);
}

std::vector<TensorFile::Entry> TorchFile::read_stream() const {
  const std::string_view file = bytes();
  Stream stream(file, path_);
  read_preamble(stream);
  StateDict dict = read_state_dict(stream.next());
  const std::vector<std::size_t> order = read_order(stream.next(), dict);
  std::size_t at = stream.at();
  std::vector<std::size_t> begins(dict.storages.size());
  for (const std::size_t place : order) {
    const Storage& storage = dict.storages[place];
    const std::string key = in_quotes(storage.key);
    std::uint64_t count = 0;
    if (file.size() - at < sizeof count) fail(fmt::format("cut before the storage {}", key));
    std::memcpy(&count, file.data() + at, sizeof count);
    at += sizeof count;
    if (count != storage.count) {
      fail(fmt::format("the storage {} has {} elements, the tensors in it need {}", key, count, storage.count));
    }
    if (file.size() - at < storage.bytes()) fail(fmt::format("cut within the storage {}", key));
    begins[place] = at;
    at += storage.bytes();
  }
  if (at != file.size()) fail(fmt::format("{} bytes after the last storage belong to none", file.size() - at));
  return placed(std::move(dict), begins);
}

}  // namespace berth::checkpoint
