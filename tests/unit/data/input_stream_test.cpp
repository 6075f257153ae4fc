#include "core/data/input_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "berth/error.h"

namespace berth::data {
namespace {

using testing::ElementsAre;

// Two examples a file, and then what the file's name asks for.
class FakeStream final : public ExampleStream {
 public:
  explicit FakeStream(std::string path) : path_(std::move(path)) {}

  std::unique_ptr<Example> next() override {
    ++line_;
    if (line_ < 3) {
      auto example = std::make_unique<Example>();
      example->where = {path_, line_};
      return example;
    }
    if (path_.ends_with("bad")) throw Error(ErrorKind::kContent, {path_, line_, 7}, "a bad row; see " + path_);
    if (path_.ends_with("placeless")) throw Error(ErrorKind::kConfig, path_ + ": no format");
    if (path_.ends_with("broken")) throw std::runtime_error("can't seek in " + path_);
    if (path_.ends_with("odd")) throw std::runtime_error("out of ideas");
    return nullptr;
  }

 private:
  std::string path_;
  std::int64_t line_ = 0;
};

class FakeReader final : public DatasetReader {
 public:
  std::unique_ptr<ExampleStream> open(const std::string& path) const override {
    if (path.ends_with("closed")) throw Error(ErrorKind::kIo, path + ": can't be opened");
    if (path.ends_with("null")) return nullptr;
    return std::make_unique<FakeStream>(path);
  }
  std::unique_ptr<Example> from_json(std::string_view, const Where&) const override { return nullptr; }
};

std::vector<std::string> places(InputStream& stream) {
  std::vector<std::string> result;
  while (const auto example = stream.next()) result.push_back(to_string(example->where));
  return result;
}

// What it throws behind the two examples of its file.
template <typename Exception>
Exception thrown_by(const std::string& path) {
  const FakeReader reader;
  InputStream stream(reader, {{"mails.csv.gz", path}});
  stream.next();
  stream.next();
  try {
    stream.next();
  } catch (const Exception& error) {
    return error;
  }
  throw std::logic_error("nothing of this type was thrown");
}

TEST(InputStream, FilesFollowEachOtherUnderTheUsersNames) {
  const FakeReader reader;
  InputStream stream(reader, {{"a.gz", "/tmp/0/a"}, {"/data/b", "/data/b"}, {"c.zst", "/tmp/1/c"}});
  EXPECT_THAT(places(stream),
              ElementsAre("a.gz:1: ", "a.gz:2: ", "/data/b:1: ", "/data/b:2: ", "c.zst:1: ", "c.zst:2: "));
  EXPECT_EQ(stream.next(), nullptr);
}

TEST(InputStream, ErrorsNameTheUsersFile) {
  const auto bad = thrown_by<Error>("/tmp/0/bad");
  EXPECT_EQ(bad.kind(), ErrorKind::kContent);
  EXPECT_STREQ(bad.what(), "mails.csv.gz:3:7: a bad row; see mails.csv.gz");
  ASSERT_NE(bad.where(), nullptr);
  EXPECT_EQ(bad.where()->file, "mails.csv.gz");
  EXPECT_EQ(bad.where()->line, 3);
  EXPECT_EQ(bad.where()->column, 7);

  const auto placeless = thrown_by<Error>("/tmp/0/placeless");
  EXPECT_EQ(placeless.kind(), ErrorKind::kConfig);
  EXPECT_STREQ(placeless.what(), "mails.csv.gz: no format");
  EXPECT_EQ(placeless.where(), nullptr);

  const auto broken = thrown_by<Error>("/tmp/0/broken");
  EXPECT_EQ(broken.kind(), ErrorKind::kPlugin);
  EXPECT_STREQ(broken.what(), "can't seek in mails.csv.gz");
  EXPECT_STREQ(thrown_by<std::runtime_error>("/tmp/0/odd").what(), "out of ideas");
}

TEST(InputStream, AFileThatCantBeOpenedIsAnErrorWhereverItStands) {
  const FakeReader reader;
  try {
    InputStream(reader, {{"a.gz", "/tmp/0/closed"}});
    ADD_FAILURE() << "opened";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "a.gz: can't be opened");
  }
  InputStream second(reader, {{"a", "a"}, {"b.gz", "/tmp/0/closed"}});
  second.next();
  second.next();
  EXPECT_THROW(second.next(), Error);
  EXPECT_THROW(InputStream(reader, {{"a.gz", "/tmp/0/null"}}), Error);
}

}  // namespace
}  // namespace berth::data
