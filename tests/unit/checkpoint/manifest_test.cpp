#include "core/checkpoint/manifest.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "berth/error.h"
#include "core/checkpoint/run_checkpoint.h"
#include "temporary_folder.h"

namespace berth::checkpoint {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kFiles = {"encoder/config.json", "heads/mood.safetensors", kTrainingFile, kInfoFile,
                                         kManifestFile};

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}

std::string content_hash(const fs::path& folder) {
  return nlohmann::json::parse(read(folder / kManifestFile)).at("content").get<std::string>();
}

class Manifest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder() / "encoder");
    fs::create_directories(folder() / "heads");
    write(folder() / "encoder/config.json", R"({"hidden_size": 8})");
    write(folder() / "heads/mood.safetensors", std::string("\0\1\2 head", 8));
    write(folder() / kTrainingFile, "moments");
    write(folder() / kInfoFile, R"({"step": 3})");
    write_manifest(folder());
  }

  const fs::path& folder() const { return temporary_.path(); }

  // What verify() says; "" for nothing.
  std::string fault(Part part = Part::kAll) const {
    try {
      verify(folder(), part);
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kContent);
      return error.what();
    }
  }

 private:
  testing::TemporaryFolder temporary_;
};

TEST_F(Manifest, AcceptsWhatWasWritten) {
  EXPECT_EQ(fault(), "");
  EXPECT_EQ(fault(Part::kModel), "");
}

// SHA-256 of "moments" by sha256sum.
TEST_F(Manifest, HasSizesAndHashesThatOtherToolsCompute) {
  const auto text = read(folder() / kManifestFile);
  EXPECT_NE(text.find(R"("bytes": 7)"), std::string::npos) << text;
  EXPECT_NE(text.find("690a8d18f75dfaa79dd8134ac62cdad42fffe0f34cb78dd14e2d3aae3ae83ad3"), std::string::npos) << text;
}

TEST_F(Manifest, RefusesEveryFlippedBitOfEveryFile) {
  for (const auto& name : kFiles) {
    const auto whole = read(folder() / name);
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
      auto flipped = whole;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
      write(folder() / name, flipped);
      EXPECT_NE(fault(), "") << name << ", bit " << bit;
    }
    write(folder() / name, whole);
  }
  EXPECT_EQ(fault(), "");
}

TEST_F(Manifest, RefusesEveryCut) {
  for (const auto& name : kFiles) {
    const auto whole = read(folder() / name);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      write(folder() / name, whole.substr(0, size));
      EXPECT_NE(fault(), "") << name << ", " << size << " bytes";
    }
    write(folder() / name, whole);
  }
}

TEST_F(Manifest, NamesTheFileThatIsWrong) {
  write(folder() / "heads/mood.safetensors", "other");
  EXPECT_NE(fault().find("heads/mood.safetensors: is not what was written"), std::string::npos) << fault();
  fs::remove(folder() / "heads/mood.safetensors");
  EXPECT_NE(fault().find("heads/mood.safetensors: is missing"), std::string::npos) << fault();
  write(folder() / "heads/mood.safetensors", std::string("\0\1\2 head", 8));
  write(folder() / "more", "");
  EXPECT_NE(fault().find("more: is none of the files"), std::string::npos) << fault();
  fs::remove(folder() / "more");
  EXPECT_EQ(fault(), "");
  fs::remove(folder() / kManifestFile);
  EXPECT_NE(fault().find("has no manifest.json"), std::string::npos) << fault();
}

// Whoever predicts does not read the optimizer's moments.
TEST_F(Manifest, TheModelIsWholeWithoutWhatTrainingNeeds) {
  write(folder() / kTrainingFile, "other");
  EXPECT_EQ(fault(Part::kModel), "");
  EXPECT_NE(fault(Part::kAll), "");
}

TEST_F(Manifest, TheContentHashIsOfWhatWasLearnedAlone) {
  const auto before = content_hash(folder());
  fs::remove(folder() / kManifestFile);
  write(folder() / kInfoFile, R"({"step": 3, "training_seconds": 9})");
  write_manifest(folder());
  EXPECT_EQ(content_hash(folder()), before);
  fs::remove(folder() / kManifestFile);
  write(folder() / kTrainingFile, "Moments");
  write_manifest(folder());
  EXPECT_NE(content_hash(folder()), before);
}

}  // namespace
}  // namespace berth::checkpoint
