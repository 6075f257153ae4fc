#include "berth/kit/columns.h"

#include <gmock/gmock.h>

#include "berth/kit/lines.h"
#include "support.h"

namespace berth::kit {
namespace {

using test::expect_error;
using test::TemporaryFolder;
using testing::ElementsAre;

using Rows = std::vector<std::pair<std::string, std::string>>;  // text and label of each row

class Columns : public testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view content) { return folder_.write(name, content); }

  std::vector<Record> records(const std::string& path) const {
    const auto rows = open_rows(path, options_, {"text", "label"});
    std::vector<Record> result;
    while (auto record = rows->next()) result.push_back(*std::move(record));
    return result;
  }

  Rows read(const std::string& name, std::string_view content) {
    Rows rows;
    for (const Record& record : records(write(name, content)))
      rows.emplace_back(record.text("text"), record.text("label"));
    return rows;
  }

  void expect_bad(const std::string& name, std::string_view content, ErrorKind kind,
                  std::initializer_list<std::string_view> parts) {
    expect_error(kind, parts, [&] { read(name, content); });
  }

  TemporaryFolder folder_;
  ColumnOptions options_;
};

TEST_F(Columns, ReadsTsvByItsHeader) {
  EXPECT_EQ(read("a.tsv", "label\tid\ttext\n1\tx\tHello, \"you\"\r\n0\ty\t  spaced \n"),
            (Rows{{"Hello, \"you\"", "1"}, {"  spaced ", "0"}}));
}

TEST_F(Columns, ListedColumnsMeanThatThereIsNoHeader) {
  options_.columns = {"text", "label"};
  EXPECT_EQ(read("a.tsv", "good\t1\nbad\t0"), (Rows{{"good", "1"}, {"bad", "0"}}));
}

TEST_F(Columns, AHeaderOfExactlyTheListedColumnsIsTakenForOne) {
  options_.columns = {"text", "label"};
  EXPECT_EQ(read("a.tsv", "text\tlabel\ngood\t1\n"), (Rows{{"good", "1"}}));
  options_.header = "no";
  EXPECT_EQ(read("a.tsv", "text\tlabel\ngood\t1\n"), (Rows{{"text", "label"}, {"good", "1"}}));
}

TEST_F(Columns, ListedColumnsReplaceAHeader) {
  options_.columns = {"label", "text"};
  options_.header = "yes";
  EXPECT_EQ(read("a.csv", "Sentiment,Text\nPositive,fine\n"), (Rows{{"fine", "Positive"}}));
  expect_bad("b.csv", "a,b,c\n1,2,3\n", ErrorKind::kContent, {"b.csv:1: ", "3 fields", "expected 2"});
}

TEST_F(Columns, WithoutAnyNamesColumnsAreNumbered) {
  options_.header = "no";
  const auto rows = open_rows(write("a.tsv", "good\t1\n"), options_, {"1", "2"});
  EXPECT_EQ(rows->next()->text("2"), "1");
  expect_error(ErrorKind::kContent, {"no column '3'", "'1', '2'"},
               [&] { open_rows(folder_.path() + "/a.tsv", options_, {"3"}); });
}

TEST_F(Columns, ReadsCsvAsRfc4180) {
  const std::vector<Record> rows = records(write("a.csv",
                                                 "text,label\r\n"
                                                 "\"two\r\nlines, and \"\"quotes\"\"\",a\r\n"
                                                 "\r\n"
                                                 "5\" disk,b\r\n"
                                                 "\"\",\"c\"\n"
                                                 "\"last\",d"));
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].text("text"), "two\r\nlines, and \"quotes\"");
  EXPECT_EQ(rows[0].where().line, 2);
  EXPECT_EQ(rows[1].text("text"), "5\" disk");
  EXPECT_EQ(rows[1].where().line, 5);
  EXPECT_EQ(rows[2].text("text"), "");
  EXPECT_EQ(rows[3].text("label"), "d");
}

TEST_F(Columns, TsvIsQuotedOnlyWhereAsked) {
  EXPECT_EQ(read("a.tsv", "text\tlabel\n\"a\tb\n"), (Rows{{"\"a", "b"}}));
  options_.quote = true;
  EXPECT_EQ(read("b.tsv", "text\tlabel\n\"a\tb\nc\"\td\n"), (Rows{{"a\tb\nc", "d"}}));
}

TEST_F(Columns, ReadsJsonLines) {
  const std::vector<Record> rows =
      records(write("a.jsonl", "{\"text\": \"x\\ny\", \"label\": 1}\n\n{\"label\": [\"a\"], \"text\": true}\n"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].text("text"), "x\ny");
  EXPECT_EQ(rows[0].text("label"), "1");
  EXPECT_EQ(rows[1].where().line, 3);
  EXPECT_TRUE(rows[1].at("label").is_array());
  expect_error(ErrorKind::kContent, {"a.jsonl:3: ", "'label' is an array"}, [&] { rows[1].text("label"); });
}

TEST_F(Columns, ByteOrderMarksAreLeftOut) {
  EXPECT_EQ(read("a.tsv", "\xEF\xBB\xBFtext\tlabel\na\tb\n"), (Rows{{"a", "b"}}));
  EXPECT_EQ(read("a.json", "\xEF\xBB\xBF{\"text\": \"a\", \"label\": \"b\"}"), (Rows{{"a", "b"}}));
}

TEST_F(Columns, FormatsAreGuessedOrSaid) {
  expect_bad("a.dat", "text\tlabel\n", ErrorKind::kConfig, {"'dat'", "Set `format`"});
  options_.format = "csv";
  EXPECT_EQ(read("a.dat", "text,label\na,b\n"), (Rows{{"a", "b"}}));
  options_.format = "auto";
  EXPECT_EQ(read("A.TSV", "text\tlabel\na\tb\n"), (Rows{{"a", "b"}}));
}

TEST_F(Columns, MissingFilesAreIo) {
  expect_error(ErrorKind::kIo, {"none.tsv", "No such file"}, [&] { records(folder_.path() + "/none.tsv"); });
  expect_error(ErrorKind::kIo, {"none.dat", "No such file"}, [&] { records(folder_.path() + "/none.dat"); });
  std::filesystem::create_directory(folder_.path() + "/a.tsv");
  expect_error(ErrorKind::kIo, {"is a folder"}, [&] { records(folder_.path() + "/a.tsv"); });
}

TEST_F(Columns, EmptyFilesAreContent) {
  for (const char* name : {"a.tsv", "a.csv", "a.jsonl"}) {
    expect_bad(name, "", ErrorKind::kContent, {"a.", ":1: ", "empty"});
    expect_bad(name, "\n\r\n", ErrorKind::kContent, {"empty"});
    expect_bad(name, "\xEF\xBB\xBF", ErrorKind::kContent, {"empty"});
  }
  expect_bad("a.tsv", "text\tlabel\n", ErrorKind::kContent, {"header and no rows"});
}

TEST_F(Columns, WrongNumbersOfFieldsSayWhereAndWhat) {
  expect_bad("a.tsv", "text\tlabel\na\tb\nonly one\n", ErrorKind::kContent,
             {"a.tsv:3: ", "1 fields", "expected 2", "'text', 'label'", "'only one'"});
  expect_bad("a.csv", "text,label\n\"a\nb\",c\nd,e,f\n", ErrorKind::kContent, {"a.csv:4: ", "3 fields"});
}

TEST_F(Columns, UnknownColumnsAreAnsweredWithTheNearest) {
  expect_bad("a.tsv", "txt\tlabel\na\tb\n", ErrorKind::kContent,
             {"a.tsv:1: ", "'text'", "nearest: 'txt'", "`columns`"});
  expect_bad("a.jsonl", "{\"text\": \"a\", \"lable\": 1}\n", ErrorKind::kContent,
             {"a.jsonl:1: ", "'label'", "nearest: 'lable'"});
  expect_bad("a.jsonl", "{\"text\": \"a\", \"label\": null}\n", ErrorKind::kContent, {"but null"});
}

TEST_F(Columns, DoubledColumnNamesAreRefused) {
  expect_bad("a.tsv", "text\ttext\tlabel\na\tb\tc\n", ErrorKind::kContent, {"two columns are named 'text'"});
  EXPECT_EQ(read("b.csv", ",,text,label\n0,1,a,b\n"), (Rows{{"a", "b"}}));  // names that nobody asks for
  options_.columns = {"text", "label", "text"};
  expect_bad("c.tsv", "a\tb\tc\n", ErrorKind::kConfig, {"`columns`"});
}

TEST_F(Columns, BrokenQuotesAreRefused) {
  expect_bad("a.csv", "text,label\nx,y\n\"open,b\nc,d\n", ErrorKind::kContent, {"a.csv:3: ", "never closed"});
  expect_bad("a.csv", "text,label\n\"a\"b,c\n", ErrorKind::kContent, {"a.csv:2: ", "'b'", "after its closing quote"});
}

TEST_F(Columns, TextThatIsNotUtf8IsRefused) {
  expect_bad("a.tsv", "text\tlabel\nok\t1\nd\xC3\xA9j\xE0\t1\n", ErrorKind::kContent,
             {"a.tsv:3:4: ", "0xE0", "iconv -f LATIN1"});
  expect_bad("a.csv", "text,label\n\"a\n\xFF\",1\n", ErrorKind::kContent, {"a.csv:3:1: ", "0xFF"});
  expect_bad("a.tsv", std::string_view("\xFF\xFEt\0e\0", 6), ErrorKind::kContent, {"UTF-16"});
}

TEST_F(Columns, JsonLinesMustBeObjects) {
  expect_bad("a.json", "[\n{\"text\": \"a\"}\n]", ErrorKind::kContent, {"one JSON array", "jq -c"});
  expect_bad("a.jsonl", "{\"text\": \"a\", \"label\": 1}\n3\n", ErrorKind::kContent, {"a.jsonl:2: ", "a JSON object"});
  expect_bad("a.jsonl", "{\"text\": \"a\"\n", ErrorKind::kContent, {"a.jsonl:1:", "not valid JSON"});
}

TEST_F(Columns, LinesLongerThanTheBufferArriveWhole) {
  std::string content = "text\tlabel\n";
  for (int i = 0; i < 50; ++i)
    content += std::string(static_cast<std::size_t>(i) * 7001, 'x') + "\t" + std::to_string(i) + "\n";
  const Rows rows = read("a.tsv", content);
  ASSERT_EQ(rows.size(), 50U);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].first.size(), i * 7001);
    EXPECT_EQ(rows[i].second, std::to_string(i));
  }
}

TEST_F(Columns, EndlessLinesAreRefused) {
  expect_bad("a.tsv", "text\tlabel\n" + std::string(LineReader::kMaxLineBytes + 2, 'x'), ErrorKind::kContent,
             {"a.tsv:2: ", "16 MiB"});
}

TEST_F(Columns, NulBytesAreText) {
  EXPECT_EQ(read("a.tsv", std::string_view("text\tlabel\na\0b\tc\n", 17)), (Rows{{std::string("a\0b", 3), "c"}}));
}

}  // namespace
}  // namespace berth::kit
