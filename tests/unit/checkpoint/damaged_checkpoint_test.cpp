// A checkpoint as a run writes it, with the memory of a disk that forgets: flipped bits and cuts all over its files.
#include <ATen/ops/rand.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "berth/error.h"
#include "core/checkpoint/manifest.h"
#include "core/checkpoint/run_checkpoint.h"
#include "samples.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr int kFlips = 10000;
constexpr int kCuts = 64;

class DamagedCheckpoint : public ::testing::Test {
 protected:
  void SetUp() override {
    const model::Encoder encoder(testing::small_config(), {});
    std::ofstream(temporary_.path() / "vocab.txt") << "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n";
    NamedTensors moments;
    for (const auto& [name, tensor] : encoder.parameters()) {
      moments.push_back({"optimizer/" + name + "/mean", at::rand(tensor.sizes())});
      moments.push_back({"optimizer/" + name + "/variance", at::rand(tensor.sizes())});
    }
    write_checkpoint(folder(), {encoder,
                                temporary_.path(),
                                {{"mood", {{"weight", at::rand({2, 8})}}, R"({"labels": ["bad", "good"]})"}},
                                {},
                                moments,
                                R"({"metrics_bytes": 0})",
                                R"({"step": 3, "training_seconds": 0.5})"});
    for (const auto& entry : fs::recursive_directory_iterator(folder())) {
      if (!entry.is_regular_file()) continue;
      files_.push_back(entry.path());
      sizes_.push_back(static_cast<double>(entry.file_size()));
    }
    ASSERT_EQ(files_.size(), 9U);
  }

  fs::path folder() const { return temporary_.path() / "step-3"; }

  bool is_accepted() const {
    try {
      verify(folder(), Part::kAll);
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kContent) << error.what();
      return false;
    }
  }

  // A file, each half of the time in proportion to its size, else each as likely as any other: small ones count, too.
  std::size_t draw_file() {
    if (random_() % 2 == 0) return random_() % files_.size();
    return std::discrete_distribution<std::size_t>(sizes_.begin(), sizes_.end())(random_);
  }

  testing::TemporaryFolder temporary_;
  std::vector<fs::path> files_;
  std::vector<double> sizes_;
  std::mt19937_64 random_{20};
};

void flip(const fs::path& file, std::size_t bit) {
  const int handle = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  char byte = 0;
  ASSERT_EQ(::pread(handle, &byte, 1, static_cast<off_t>(bit / 8)), 1);
  byte = static_cast<char>(byte ^ (1 << (bit % 8)));
  ASSERT_EQ(::pwrite(handle, &byte, 1, static_cast<off_t>(bit / 8)), 1);
  ::close(handle);
}

TEST_F(DamagedCheckpoint, NoFlippedBitIsAccepted) {
  ASSERT_TRUE(is_accepted());
  int accepted = 0;
  for (int i = 0; i < kFlips; ++i) {
    const auto file = draw_file();
    const auto bit = random_() % (8 * fs::file_size(files_[file]));
    flip(files_[file], bit);
    if (is_accepted()) {
      ++accepted;
      ADD_FAILURE() << files_[file] << ", bit " << bit;
    }
    flip(files_[file], bit);
  }
  EXPECT_EQ(accepted, 0);
  EXPECT_TRUE(is_accepted());
}

TEST_F(DamagedCheckpoint, NoCutIsAccepted) {
  for (int i = 0; i < kCuts; ++i) {
    const auto& file = files_[draw_file()];
    std::ifstream in(file, std::ios::binary);
    const std::string whole{std::istreambuf_iterator<char>(in), {}};
    const auto size = random_() % whole.size();
    fs::resize_file(file, size);
    EXPECT_FALSE(is_accepted()) << file << ", " << size << " of " << whole.size() << " bytes";
    std::ofstream(file, std::ios::binary | std::ios::trunc) << whole;
  }
  EXPECT_TRUE(is_accepted());
}

}  // namespace
}  // namespace berth::checkpoint
