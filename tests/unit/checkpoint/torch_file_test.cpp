#include "core/checkpoint/torch_file.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/real.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "berth/error.h"
#include "hand_made.h"
#include "samples.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using testing::archive;
using testing::dict;
using ::testing::HasSubstr;
using testing::number;
using testing::pickle;
using testing::preamble;
using testing::storage;
using testing::Storages;
using testing::stream;
using testing::tensor;
using testing::text;

const std::string kSix = [] {
  const at::Tensor values = at::arange(6, at::kFloat);
  return std::string(static_cast<const char*>(values.const_data_ptr()), values.nbytes());
}();

// {"a": [[0, 1, 2], [3, 4, 5]], "b": its columns 1 and 2, turned}
const std::string kTwo = [] {
  const std::string six = storage("FloatStorage", "0", 6);
  return dict({text("a"), tensor(six, 0, {2, 3}, {3, 1}), text("b"), tensor(six, 1, {2, 2}, {1, 3})});
}();

class Torch : public ::testing::Test {
 protected:
  fs::path write(const std::string& bytes) const {
    const fs::path file = folder_.path() / "pytorch_model.bin";
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }

  // What is wrong with a file of these bytes. All that can be read of it, is.
  std::string error_of(const std::string& bytes) const {
    const fs::path path = write(bytes);
    try {
      const TorchFile file(path);
      for (const auto& entry : file.entries()) EXPECT_EQ(file.tensor(entry.name).sizes(), entry.shape);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kContent);
      EXPECT_THAT(error.what(), HasSubstr(path.string()));
      return error.what();
    }
    return "no error";
  }

  static void expect_two(const TorchFile& file) {
    ASSERT_EQ(file.entries().size(), 2U);
    EXPECT_TRUE(at::equal(file.tensor("a"), at::arange(6, at::kFloat).view({2, 3})));
    EXPECT_TRUE(at::equal(file.tensor("b"), at::tensor({1.0F, 4.0F, 2.0F, 5.0F}).view({2, 2})));
  }

  testing::TemporaryFolder folder_;
};

// Written by torch itself; see tests/support/make_torch_files.py.
class TorchGolden : public Torch, public ::testing::WithParamInterface<const char*> {
 protected:
  fs::path path() const { return fs::path(BERTH_TEST_DATA) / GetParam(); }
};

TEST_P(TorchGolden, IsReadWithEveryType) {
  const TorchFile file(path());
  EXPECT_EQ(file.entries().size(), 24U);
  testing::expect_every_type(file);
}

TEST_P(TorchGolden, IsReadWithEveryLayout) {
  at::Tensor tied;
  {
    const TorchFile file(path());
    const at::Tensor six = at::arange(6, at::kFloat).view({2, 3});
    EXPECT_EQ(file.entries()[0].name, "float64");  // the dict's order
    EXPECT_EQ(file.entries()[16].name, "parameter");
    EXPECT_TRUE(at::equal(file.tensor("parameter"), at::tensor({1.5F, 2.5F})));
    EXPECT_FALSE(file.tensor("parameter").requires_grad());
    EXPECT_EQ(file.tensor("scalar").item<double>(), 7.5);
    EXPECT_EQ(file.tensor("scalar").dim(), 0);
    EXPECT_EQ(file.tensor("empty").sizes(), (std::vector<std::int64_t>{0, 4}));
    EXPECT_TRUE(at::equal(file.tensor("turned"), six.t()));
    EXPECT_TRUE(at::equal(file.tensor("part"), at::tensor({4.0F, 5.0F})));
    EXPECT_TRUE(at::equal(file.tensor("every other"), six.to(at::kDouble).slice(1, 0, 3, 2)));
    EXPECT_TRUE(at::equal(file.tensor("expanded"), at::tensor({4.0F}).expand({2, 3})));
    EXPECT_TRUE(file.contains("tied"));
    EXPECT_FALSE(file.contains("float"));
    EXPECT_THROW(file.tensor("float"), Error);
    tied = file.tensor("tied");
    file.release("tied");
  }
  EXPECT_TRUE(at::equal(tied, at::arange(6, at::kFloat).view({2, 3})));  // outlives the file's object
}

TEST_P(TorchGolden, IsRefusedWhereverItIsCut) {
  std::ifstream in(path(), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), {}};
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_NE(error_of(whole.substr(0, size)), "no error") << size << " bytes of " << whole.size();
  }
  EXPECT_NE(error_of(whole + '\0'), "no error");
}

INSTANTIATE_TEST_SUITE_P(Formats, TorchGolden, ::testing::Values("torch_zip.bin", "torch_stream.bin"),
                         [](const auto& format) { return format.index == 0 ? "Zip" : "Stream"; });

TEST_F(Torch, ReadsFilesMadeByHand) {
  expect_two(TorchFile(write(archive(kTwo, {{"0", kSix}}))));
  expect_two(TorchFile(write(stream(kTwo, {{"0", kSix}}))));
}

TEST_F(Torch, AFlippedBitOfAnArchiveIsRefusedOrChangesNothing) {
  const std::string whole = archive(kTwo, {{"0", kSix}});
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const fs::path path = write(flipped);
    try {
      const TorchFile file(path);
      expect_two(file);
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kContent) << bit;
      ++refused;
    }
    ASSERT_FALSE(HasFailure()) << "bit " << bit % 8 << " of byte " << bit / 8;
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()) * 4);  // times and such are nobody's concern
}

// No CRC there: other values may come out, but nothing else.
TEST_F(Torch, AFlippedBitOfAStreamDoesNoHarm) {
  const std::string whole = stream(kTwo, {{"0", kSix}});
  for (std::size_t bit = 0; bit < 8 * (whole.size() - kSix.size()); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    error_of(flipped);
    ASSERT_FALSE(HasFailure()) << "bit " << bit % 8 << " of byte " << bit / 8;
  }
}

TEST_F(Torch, RefusesWhatIsNoFileOfTorch) {
  EXPECT_THAT(error_of(""), HasSubstr("begins neither as a zip archive nor as a pickle"));
  EXPECT_THAT(error_of("{\"a\": 1}"), HasSubstr("neither"));
  EXPECT_THAT(error_of("version https://git-lfs.github.com/spec/v1\noid"), HasSubstr("git lfs pull"));
  EXPECT_THAT(error_of(testing::zip({{"readme.txt", "hello"}})), HasSubstr("without data.pkl"));
  EXPECT_THAT(error_of(testing::zip({{"data.pkl", "hello"}})), HasSubstr("without data.pkl"));
  EXPECT_THAT(error_of(testing::zip({{"a/data.pkl", ""}, {"b/data.pkl", ""}})), HasSubstr("two files data.pkl"));
  EXPECT_THAT(error_of(testing::zip({{"a/data.pkl", pickle("}")}, {"a/constants.pkl", ""}})), HasSubstr("TorchScript"));
  EXPECT_THAT(error_of(testing::zip({{"a/data.pkl", pickle("}")}, {"a/byteorder", "big"}})),
              HasSubstr("not little-endian"));
  EXPECT_THAT(error_of(testing::zip({{"a/data.pkl", pickle("}") + "x"}})),
              HasSubstr("data.pkl, byte 4: something follows"));
  EXPECT_EQ(error_of(testing::zip({{"a/data.pkl", pickle("}")}})), "no error");
  EXPECT_THROW(TorchFile(folder_.path() / "none"), Error);
}

TEST_F(Torch, RefusesStoragesThatDoNotFit) {
  const auto wrong = [&](const Storages& storages) { return error_of(archive(kTwo, storages)); };
  EXPECT_THAT(wrong({}), HasSubstr("\"archive/data/0\" of the zip archive is missing"));
  EXPECT_THAT(wrong({{"0", kSix + "1234"}}), HasSubstr("has 28 bytes, the tensors in it need 24"));
  EXPECT_THAT(wrong({{"0", kSix.substr(4)}}), HasSubstr("has 20 bytes"));
  const std::string bent = testing::zip({{"a/data.pkl", pickle(kTwo)}, {"a/data/0", kSix, 0x800, 0, 1}});
  EXPECT_THAT(error_of(bent), AllOf(HasSubstr("a/data/0"), HasSubstr("CRC-32")));
}

TEST_F(Torch, RefusesNamesThatCannotBePrinted) {
  const auto named = [&](const std::string& name) {
    const std::string value = dict({text(name), tensor(storage("FloatStorage", "0", 6), 0, {6}, {1})});
    return error_of(archive(value, {{"0", kSix}}));
  };
  EXPECT_EQ(named("\xc3\xa9"), "no error");
  EXPECT_THAT(named("\x1b[2J"), HasSubstr("\"?[2J\" is no name for a tensor"));
  EXPECT_THAT(named("a\xc2\x9b"), HasSubstr("\"a?\" is no name for a tensor"));
  EXPECT_THAT(named(std::string(1025, 'n')), HasSubstr("is no name for a tensor; expected at most 1024 bytes"));
  const std::string key = dict({text("a"), tensor(storage("FloatStorage", "\x1b[2J\xff", 6), 0, {6}, {1})});
  EXPECT_THAT(error_of(archive(key, {})), HasSubstr("\"archive/data/?[2J\xef\xbf\xbd\" of the zip archive is missing"));
}

TEST_F(Torch, IsToldByItsFirstBytes) {
  const fs::path file = write("\x80\x02");
  std::error_code error;
  fs::resize_file(file, 900'000'000'000, error);
  if (error) GTEST_SKIP() << error.message();
  try {
    const TorchFile opened(file);
    ADD_FAILURE() << "no error";
  } catch (const Error& refusal) {
    EXPECT_EQ(refusal.kind(), ErrorKind::kContent);
    EXPECT_THAT(refusal.what(), HasSubstr("a pickle, but not one of torch.save's"));
  }
}

TEST_F(Torch, APipeIsRefusedWithoutWaitingForAWriter) {
  const fs::path file = folder_.path() / "pipe";
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_THROW(TorchFile{file}, Error);
}

// The storages' bytes, none of them 0.
std::string counted(std::int64_t size, std::int64_t start) {
  const at::Tensor values = at::arange(start, start + size).remainder(251).add(1).to(at::kByte);
  return {static_cast<const char*>(values.const_data_ptr()), values.nbytes()};
}

std::string bytes_of(const at::Tensor& tensor) {
  return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

TEST_F(Torch, ReleaseTakesNothingFromTheNeighbours) {
  const std::int64_t size = 3 * ::sysconf(_SC_PAGESIZE) + 7;
  std::vector<std::string> items;
  Storages storages;
  for (const char* key : {"0", "1", "2"}) {
    items.push_back(text(key));
    items.push_back(tensor(storage("ByteStorage", key, size), 0, {size}, {1}));
    storages.emplace_back(key, counted(size, static_cast<std::int64_t>(storages.size())));
  }
  for (const std::string& whole : {archive(dict(items), storages), stream(dict(items), storages, 1)}) {
    const TorchFile file(write(whole));
    const at::Tensor released = file.tensor("1");
    file.release("1");
    EXPECT_TRUE(bytes_of(file.tensor("0")) == storages[0].second);
    EXPECT_TRUE(bytes_of(file.tensor("2")) == storages[2].second);
    EXPECT_FALSE(bytes_of(released) == storages[1].second) << "no memory was given back";
  }
}

TEST_F(Torch, ReleaseKeepsWhatAnotherTensorHas) {
  const std::int64_t page = ::sysconf(_SC_PAGESIZE);
  const std::int64_t size = 12 * page + 7;
  const std::string one = storage("ByteStorage", "0", size);
  const std::string content = counted(size, 0);
  const auto part = [&](std::int64_t begin, std::int64_t end) { return tensor(one, begin, {end - begin}, {1}); };
  const auto expected = [&](std::int64_t begin, std::int64_t end) {
    return content.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  };
  // c lies within a, d shares with nobody, b with a, and the empty one with nobody though it stands among them.
  const TorchFile file(write(
      archive(dict({text("b"), part(4 * page, 8 * page), text("a"), part(0, 6 * page), text("c"), part(1, 3 * page),
                    text("d"), part(8 * page, size), text("empty"), tensor(one, 9 * page, {0}, {1})}),
              {{"0", content}})));
  for (const char* name : {"a", "b", "c", "empty"}) file.release(name);
  EXPECT_TRUE(bytes_of(file.tensor("a")) == expected(0, 6 * page));
  EXPECT_TRUE(bytes_of(file.tensor("b")) == expected(4 * page, 8 * page));
  EXPECT_TRUE(bytes_of(file.tensor("c")) == expected(1, 3 * page));
  EXPECT_TRUE(bytes_of(file.tensor("d")) == expected(8 * page, size));
  file.release("d");
  EXPECT_FALSE(bytes_of(file.tensor("d")) == expected(8 * page, size)) << "no memory was given back";
  EXPECT_TRUE(bytes_of(file.tensor("b")) == expected(4 * page, 8 * page));
}

// Streams pad nothing: where a storage begins depends on the length of all that is before it.
TEST_F(Torch, StridedTensorsAtAnyAddressAreReadAsTheyAre) {
  const std::string six = storage("FloatStorage", "0", 6);
  int unaligned = 0;
  for (std::size_t length = 1; length <= 4; ++length) {
    const std::string name(length, 'n');
    const TorchFile file(write(stream(dict({text(name), tensor(six, 1, {2, 2}, {1, 3})}), {{"0", kSix}})));
    unaligned += file.entries()[0].begin % 4 != 0 ? 1 : 0;
    EXPECT_TRUE(at::equal(file.tensor(name), at::tensor({1.0F, 4.0F, 2.0F, 5.0F}).view({2, 2}))) << length;
  }
  EXPECT_EQ(unaligned, 3);
}

TEST_F(Torch, RefusesStreamsThatDoNotFit) {
  EXPECT_THAT(error_of(pickle("}")), HasSubstr("a pickle, but not one of torch.save's"));
  EXPECT_THAT(error_of(pickle(number(0x6cfc9c46))), HasSubstr("magic number"));
  EXPECT_THAT(error_of(preamble(true, 1002)), HasSubstr("version 1001"));
  EXPECT_THAT(error_of(preamble(false)), HasSubstr("little-endian"));
  EXPECT_THAT(error_of(stream(kTwo, {})), HasSubstr("0 storages are listed, but the tensors have 1"));
  EXPECT_THAT(error_of(stream(kTwo, {{"0", kSix}, {"0", kSix}})), HasSubstr("stands there twice"));
  EXPECT_THAT(error_of(stream(kTwo, {{"0", kSix}, {"1", kSix}})), HasSubstr("no tensor has"));
  EXPECT_THAT(error_of(stream(kTwo, {{"0", kSix + "1234"}})), HasSubstr("has 7 elements, the tensors in it need 6"));
  EXPECT_THAT(error_of(stream(kTwo, {{"0", kSix}}) + "1"), HasSubstr("1 bytes after the last storage"));
  EXPECT_THAT(error_of(preamble() + pickle(kTwo) + pickle("}")), HasSubstr("list of the storages' keys"));
  EXPECT_EQ(error_of(stream("}", {})), "no error");
}

}  // namespace
}  // namespace berth::checkpoint
