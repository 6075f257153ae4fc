#include "core/checkpoint/safetensors.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/real.h>
#include <ATen/ops/tensor.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "berth/error.h"
#include "samples.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Safetensors : public ::testing::Test {
 protected:
  fs::path write_bytes(const std::string& bytes) const {
    const fs::path file = folder_.path() / "file.safetensors";
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }

  // A file with this header and so many bytes of data.
  fs::path write(const std::string& header, std::size_t data) const {
    const std::uint64_t length = header.size();
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, 8);
    return write_bytes(bytes + header + std::string(data, '\1'));
  }

  static std::string error_of(const fs::path& file) {
    try {
      const SafetensorsFile opened(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kContent);
      EXPECT_THAT(error.what(), HasSubstr(file.string()));
      return error.what();
    }
    return "no error";
  }

  std::string error_of(const std::string& header, std::size_t data) const { return error_of(write(header, data)); }

  testing::TemporaryFolder folder_;
};

// Written by the format's own library; see data/make_golden.py.
TEST_F(Safetensors, ReadsEveryType) {
  const SafetensorsFile file(BERTH_TEST_DATA "/mixed.safetensors");
  EXPECT_EQ(file.entries().size(), 18U);
  testing::expect_every_type(file);
  EXPECT_EQ(file.tensor("scalar").item<double>(), 7.5);
  EXPECT_EQ(file.tensor("empty").sizes(), (std::vector<std::int64_t>{0, 4}));
  EXPECT_EQ(file.metadata().at("note"), "golden");
  EXPECT_FALSE(file.contains("float"));
  EXPECT_THROW(file.tensor("float"), Error);
}

TEST_F(Safetensors, ReadsBackWhatItWrites) {
  const fs::path file = folder_.path() / "written.safetensors";
  const NamedTensors tensors{{"odd", at::arange(3).to(at::kByte)},
                             {"turned", at::randn({4, 5}).t()},
                             {"wide", at::randn({7}, at::kDouble)},
                             {"half", at::randn({2, 2}).to(at::kHalf)},
                             {"trained", at::randn({3}).requires_grad_(true)},
                             {"empty", at::ones({3, 0})},
                             {"na\"me \xc3\xa9", at::tensor(3.5)}};
  write_safetensors(file, tensors, {{"key", "value"}});
  {
    const SafetensorsFile again(file);
    EXPECT_EQ(again.entries().size(), tensors.size());
    EXPECT_EQ(again.metadata(), (std::map<std::string, std::string>{{"format", "pt"}, {"key", "value"}}));
    for (const auto& [name, tensor] : tensors) {
      EXPECT_TRUE(at::equal(again.tensor(name), tensor)) << name;
      EXPECT_EQ(again.tensor(name).scalar_type(), tensor.scalar_type());
    }
    for (const auto& entry : again.entries()) EXPECT_EQ(entry.begin % c10::elementSize(entry.dtype), 0U) << entry.name;
  }
  write_safetensors(file, {{"other", at::ones({2})}});  // replaces it
  EXPECT_EQ(SafetensorsFile(file).entries().size(), 1U);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1) << "a temporary file is left";
}

TEST_F(Safetensors, TensorsOutliveTheFileObjectAndRelease) {
  at::Tensor tensor;
  {
    const SafetensorsFile file(BERTH_TEST_DATA "/mixed.safetensors");
    tensor = file.tensor("float32");
    file.release("float32");
  }
  EXPECT_TRUE(at::equal(tensor, at::arange(6, at::kFloat).view({2, 3})));
}

TEST_F(Safetensors, AnUnalignedTensorIsReadAsItIs) {
  const SafetensorsFile file(write(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                   R"("b":{"dtype":"I32","shape":[1],"data_offsets":[1,5]}})",
                                   5));
  EXPECT_EQ(file.tensor("b").item<std::int64_t>(), 0x01010101);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(file.tensor("b").const_data_ptr()) % 4, 0U);
}

TEST_F(Safetensors, RefusesFilesThatAreCutOrNoneAtAll) {
  EXPECT_THAT(error_of(write_bytes("")), HasSubstr("shorter than 8"));
  EXPECT_THAT(error_of(write_bytes("1234567")), HasSubstr("shorter than 8"));
  EXPECT_THAT(error_of(write_bytes(std::string(8, '\xff'))), HasSubstr("at most 100000000"));
  EXPECT_THAT(error_of(write_bytes(std::string("\x10\0\0\0\0\0\0\0{}", 10))), HasSubstr("truncated"));
  EXPECT_THAT(error_of("", 0), HasSubstr("JSON"));
  EXPECT_THAT(error_of("[]", 0), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of("{\"a\": \"\xff\"}", 0), HasSubstr("JSON"));
  EXPECT_THAT(error_of("{\"a\":" + std::string(5'000'000, '['), 0), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(error_of(" {}", 0), HasSubstr("which begins with {"));
  EXPECT_THAT(error_of(write_bytes("version https://git-lfs.github.com/spec/v1\noid")), HasSubstr("git lfs pull"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 3), HasSubstr("\"a\""));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 5), HasSubstr("belong to none"));
}

TEST_F(Safetensors, RefusesHostileEntries) {
  const auto entry = [](const std::string& type, const std::string& shape, const std::string& offsets) {
    return "{\"a\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
  };
  EXPECT_EQ(error_of(entry("F32", "[2]", "[0,8]"), 8), "no error");
  EXPECT_THAT(error_of(entry("F33", "[2]", "[0,8]"), 8), HasSubstr("F33"));
  EXPECT_THAT(error_of(entry("F32", "[3]", "[0,8]"), 8), HasSubstr("takes 12 bytes"));
  for (const std::string shape :
       {"[-2]", "[2.0]", "[\"2\"]", "2", "[[2]]", "[18446744073709551615]", "[9223372036854775807]",
        "[4294967296,4294967296]", "[0,4611686018427387904,8]", "[2147483648,2147483648,2]", "{}", "null"}) {
    EXPECT_THAT(error_of(entry("F32", shape, "[0,8]"), 8), HasSubstr("\"a\"")) << shape;
  }
  for (const std::string offsets : {"[0,9]", "[8,0]", "[-1,8]", "[0]", "[0,8,8]", "[0,18446744073709551615]",
                                    "[18446744073709551608,8]", "[0.0,8]", "8", "[0,\"8\"]"}) {
    EXPECT_THAT(error_of(entry("F32", "[2]", offsets), 8), HasSubstr("data_offsets")) << offsets;
  }
  EXPECT_THAT(error_of(R"({"a":5})", 0), HasSubstr("not an object"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"F32","shape":[]}})", 0), HasSubstr("\"data_offsets\" is missing"));
  EXPECT_THAT(error_of(R"({"__metadata__":{"x":1}})", 0), HasSubstr("not a string"));
  EXPECT_THAT(error_of(R"({"__metadata__":[]})", 0), HasSubstr("not an object"));
}

// Names go into messages and reports.
TEST_F(Safetensors, RefusesNamesThatCannotBePrinted) {
  const auto named = [&](const std::string& name) {
    return error_of("{\"" + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1);
  };
  EXPECT_EQ(named("\xc3\xa9 \xe4\xb8\xad"), "no error");
  EXPECT_EQ(named(std::string(1024, 'n')), "no error");
  EXPECT_THAT(named(std::string(1025, 'n')),
              HasSubstr("nnn...\" is no name for a tensor; expected at most 1024 bytes"));
  EXPECT_THAT(named(R"(\u001b[2J)"), HasSubstr("\"?[2J\" is no name for a tensor"));
  EXPECT_THAT(named(R"(a\u009b)"), HasSubstr("\"a?\" is no name"));
  EXPECT_THAT(named(R"(a\u0000)"), HasSubstr("\"a?\" is no name"));
  EXPECT_THAT(error_of(R"({"\u001b[2J":5})", 0), HasSubstr("tensor \"?[2J\": its header entry"));
}

// Nothing of it is read but its start.
TEST_F(Safetensors, ALargeFileOfZerosIsRefusedAtOnce) {
  const fs::path file = write_bytes("");
  std::error_code error;
  fs::resize_file(file, 900'000'000'000, error);
  if (error) GTEST_SKIP() << error.message();
  EXPECT_THAT(error_of(file), HasSubstr("not a JSON object"));
}

TEST_F(Safetensors, APipeIsRefusedWithoutWaitingForAWriter) {
  const fs::path file = folder_.path() / "pipe";
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  try {
    const SafetensorsFile opened(file);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), HasSubstr("not a regular file"));
  }
}

TEST_F(Safetensors, WhatWasReadCannotBeWrittenTo) {
  const SafetensorsFile file(BERTH_TEST_DATA "/mixed.safetensors");
  const at::Tensor tensor = file.tensor("float32");
  const int zeros = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(zeros, 0);
  EXPECT_EQ(::read(zeros, const_cast<void*>(tensor.const_data_ptr()), 1), -1);  // the kernel tells instead of a crash
  EXPECT_EQ(errno, EFAULT);
  ::close(zeros);
}

TEST_F(Safetensors, ReleaseTakesNothingFromTheNeighbours) {
  const auto page = ::sysconf(_SC_PAGESIZE);
  const std::int64_t size = 3 * page + 7;
  NamedTensors tensors;
  for (const char* name : {"a", "b", "c"}) {
    const auto start = static_cast<std::int64_t>(tensors.size());
    tensors.push_back({name, at::arange(start, start + size).remainder(251).add(1).to(at::kByte)});
  }
  const fs::path path = folder_.path() / "three.safetensors";
  write_safetensors(path, tensors);
  const SafetensorsFile file(path);
  const at::Tensor released = file.tensor("b");
  file.release("b");
  EXPECT_TRUE(at::equal(file.tensor("a"), tensors[0].tensor));
  EXPECT_TRUE(at::equal(file.tensor("c"), tensors[2].tensor));
  EXPECT_GE((released == 0).sum().item<std::int64_t>(), 2 * page) << "no memory was given back";
}

TEST_F(Safetensors, RefusesOverlapsHolesAndDuplicates) {
  const auto pair = [](const std::string& second, const std::string& offsets) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},")" + second +
           R"(":{"dtype":"U8","shape":[4],"data_offsets":)" + offsets + "}}";
  };
  EXPECT_EQ(error_of(pair("b", "[4,8]"), 8), "no error");
  EXPECT_THAT(error_of(pair("b", "[3,7]"), 7), HasSubstr("overlaps"));
  EXPECT_THAT(error_of(pair("b", "[0,4]"), 4), HasSubstr("overlaps"));
  EXPECT_THAT(error_of(pair("b", "[5,9]"), 9), HasSubstr("hole"));
  EXPECT_THAT(error_of(pair("a", "[4,8]"), 8), HasSubstr("twice"));
  EXPECT_THAT(error_of(R"({"a":{"dtype":"U8","dtype":"F32","shape":[4],"data_offsets":[0,4]}})", 4),
              HasSubstr("twice"));
}

TEST_F(Safetensors, WhatCannotBeReadOrWrittenIsAnIoError) {
  const auto kind_of = [](auto&& f) {
    try {
      f();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kConfig;
  };
  EXPECT_EQ(kind_of([&] { SafetensorsFile(folder_.path() / "none"); }), ErrorKind::kIo);
  EXPECT_EQ(kind_of([&] { SafetensorsFile file(folder_.path()); }), ErrorKind::kIo);
  EXPECT_EQ(kind_of([&] { write_safetensors(folder_.path() / "no" / "file", {}); }), ErrorKind::kIo);
  fs::create_directory(folder_.path() / "taken");
  EXPECT_EQ(kind_of([&] { write_safetensors(folder_.path() / "taken", {{"a", at::ones({2})}}); }), ErrorKind::kIo);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path()), {}), 1) << "a temporary file is left";
}

}  // namespace
}  // namespace berth::checkpoint
