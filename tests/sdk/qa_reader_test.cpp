// The qa plugin's readers: SQuAD's JSON and JSON lines, and what they say of broken files.
#include "plugins/qa/reader.h"

#include <gmock/gmock.h>

#include "qa_support.h"
#include "support.h"

namespace berth::qa {
namespace {

using test::expect_error;
using testing::HasSubstr;

// As SQuAD writes it; text of a paragraph, and its questions.
std::string squad(const std::string& context, const std::string& questions) {
  return R"({"version": "1.1", "data": [{"title": "Shop", "paragraphs": [{"context": ")" + context + R"(", "qas": [)" +
         questions + "]}]}]}\n";
}

std::string asked(const std::string& id, const std::string& answers) {
  return R"({"id": ")" + id + R"(", "question": "What does the honey cost?", "answers": )" + answers + "}";
}

constexpr const char* kContext = "Our honey costs nine euros.";

class QaReading : public testing::Test {
 protected:
  QaReading() { reader_.describe(options_); }

  std::vector<std::unique_ptr<QaExample>> read(const std::string& name, const std::string& content) {
    const auto stream = reader_.open(folder_.write(name, content));
    std::vector<std::unique_ptr<QaExample>> examples;
    while (auto example = stream->next()) {
      examples.emplace_back(static_cast<QaExample*>(example.release()));
    }
    return examples;
  }
  void expect_bad(const std::string& name, const std::string& content, std::initializer_list<std::string_view> parts) {
    expect_error(ErrorKind::kContent, parts, [&] { read(name, content); });
  }

  test::TemporaryFolder folder_;
  test::FakeOptions options_;
  QaReader reader_;
};

TEST_F(QaReading, Squad) {
  const auto examples =
      read("dev.json", squad(kContext, asked("q1", R"([{"text": "nine euros", "answer_start": 16}, {"text": "nine",
      "answer_start": 16}])") + "," + asked("q2", "[]")));
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_EQ(examples[0]->id, "q1");
  EXPECT_EQ(examples[0]->question, "What does the honey cost?");
  EXPECT_EQ(*examples[0]->context, kContext);
  ASSERT_EQ(examples[0]->answers->size(), 2U);
  EXPECT_EQ(examples[0]->answers->front().text, "nine euros");
  EXPECT_EQ(examples[0]->answers->front().span, (Span{16, 26}));
  EXPECT_TRUE(examples[1]->answers->empty());
  EXPECT_EQ(examples[0]->context, examples[1]->context);  // one copy
  EXPECT_EQ(examples[1]->json(),
            R"({"id": "q2", "title": "Shop", "question": "What does the honey cost?", "answers": []})");
}

TEST_F(QaReading, PlacesInAFileOfOneLineAndOfMany) {
  const std::string text = squad(kContext, asked("q1", "[]") + ",\n" + asked("q2", "[]"));
  const auto examples = read("dev.json", text);
  EXPECT_EQ(examples[0]->where.line, 1);
  EXPECT_EQ(examples[0]->where.column, static_cast<std::int64_t>(text.find("\"q1\"")) + 1);
  EXPECT_EQ(examples[1]->where.line, 2);
  EXPECT_EQ(examples[1]->where.column, 8);
  // An id that also is a word of the text, and one that the file writes with an escape.
  const auto odd = read("odd.json", squad("\\\"q9\\\" is a jar", asked("q9", "[]") + "," + asked("q\\u0031", "[]")));
  EXPECT_EQ(odd[0]->where.line, 1);
  EXPECT_GT(odd[0]->where.column, 80);
  EXPECT_EQ(odd[1]->id, "q1");
  EXPECT_EQ(odd[1]->where.line, 0);
}

TEST_F(QaReading, AnswerStartCountsCodePoints) {
  const auto examples = read("zh.json", squad("\xE8\x9C\x82\xE8\x9C\x9C\xF0\x9F\x90\x9D\xE8\x9C\x9C!",
                                              asked("q", R"([{"text": "\u871c!", "answer_start": 3}])")));
  EXPECT_EQ(examples[0]->answers->front().span, (Span{10, 14}));
}

TEST_F(QaReading, JsonLines) {
  const auto examples = read("train.jsonl",
                             R"({"id": 7, "question": "Q?", "context": "a b", "answers": ["b"], "source": "mail"}
{"question": "Q?", "context": "a b a", "answers": {"text": ["a"], "answer_start": [4]}}

{"question": "Q?", "context": "a b a", "answers": {"text": [], "answer_start": []}}
)");
  ASSERT_EQ(examples.size(), 3U);
  EXPECT_EQ(examples[0]->id, "7");
  EXPECT_EQ(examples[0]->answers->front().span, (Span{2, 3}));
  EXPECT_THAT(examples[0]->json(), HasSubstr(R"("source": "mail")"));
  EXPECT_EQ(examples[1]->id, "2");
  EXPECT_EQ(examples[1]->answers->front().span, (Span{4, 5}));
  EXPECT_EQ(examples[2]->id, "4");
  EXPECT_TRUE(examples[2]->answers->empty());
}

TEST_F(QaReading, JsonLinesWithOtherNames) {
  options_.set("question", "ask");
  options_.set("context", "text");
  options_.set("answers", "gold");
  options_.set("id", "key");
  options_.set("format", "jsonl");
  const auto examples = read("train.txt", R"({"key": "k", "ask": "Q?", "text": "a b", "gold": ["b"]})");
  EXPECT_EQ(examples[0]->id, "k");
  EXPECT_EQ(examples[0]->question, "Q?");
}

TEST_F(QaReading, AnAnswerThatIsNotWhereItShouldBe) {
  const std::string text = squad(kContext, asked("q1", R"([{"text": "nine", "answer_start": 15}])"));
  expect_bad("bad.json", text,
             {"bad.json:1:", "question 'q1'", "'nine'", "answer_start 15", "' nin'", "stands at 16", "bad_answers"});
  expect_bad("gone.json", squad(kContext, asked("q1", R"([{"text": "ten", "answer_start": 15}])")),
             {"stands nowhere in the context"});
  expect_bad("end.json", squad(kContext, asked("q1", R"([{"text": "nine", "answer_start": 900}])")), {"has ended"});
  expect_bad("minus.json", squad(kContext, asked("q1", R"([{"text": "nine", "answer_start": -1}])")), {"not begun"});
  expect_bad("bytes.json", squad("\xC3\xA9\xC3\xA9 nine", asked("q1", R"([{"text": "nine", "answer_start": 5}])")),
             {"stands at 3", "counts bytes"});
  expect_bad("empty.json", squad(kContext, asked("q1", R"([{"text": "", "answer_start": 5}])")), {"text is empty"});
  const std::string good = squad(kContext, asked("q1", R"([{"text": "nine", "answer_start": 15}])") + "," +
                                               asked("q2", R"([{"text": "nine", "answer_start": 16}])"));
  options_.set("bad_answers", "skip");
  const auto skipped = read("skip.json", good);
  ASSERT_EQ(skipped.size(), 1U);
  EXPECT_EQ(skipped[0]->id, "q2");
  options_.set("bad_answers", "nearest");
  EXPECT_EQ(read("nearest.json", good)[0]->answers->front().span, (Span{16, 20}));
  expect_bad("gone.json", squad(kContext, asked("q1", R"([{"text": "ten", "answer_start": 15}])")), {"nowhere"});
}

TEST_F(QaReading, TheNearestAnswerFromAnyStartAndInALongContext) {
  options_.set("bad_answers", "nearest");
  const auto nearest = [&](const std::string& context, const std::string& start) {
    const std::string file = squad(context, asked("q1", R"([{"text": "é", "answer_start": )" + start + "}]"));
    return *read("nearest.json", file)[0]->answers->front().span;
  };
  EXPECT_EQ(nearest("é é é", "3"), (Span{3, 5}));  // of two that are equally near, the first
  EXPECT_EQ(nearest("é é é", "9223372036854775807"), (Span{6, 8}));
  EXPECT_EQ(nearest("é é é", "-9223372036854775808"), (Span{0, 2}));
  // In time that grows with the context, not with its square: that would be minutes.
  std::string context;
  for (int i = 0; i < 400'000; ++i) context += "é";
  EXPECT_EQ(nearest(context, "400007"), (Span{799'998, 800'000}));
}

TEST_F(QaReading, AnAnswerWithoutAPlaceStillCountsForScores) {
  const std::string text = squad(
      kContext, asked("q1", R"([{"text": "9 euros", "answer_start": 16}, {"text": "nine", "answer_start": 16}])"));
  expect_bad("error.json", text, {"'9 euros'", "stands nowhere"});
  for (const char* choice : {"skip", "nearest"}) {
    options_.set("bad_answers", choice);
    const auto examples = read("kept.json", text);
    ASSERT_EQ(examples.size(), 1U) << choice;
    const auto& answers = *examples[0]->answers;
    ASSERT_EQ(answers.size(), 2U);
    EXPECT_EQ(answers[0].text, "nine");  // what is learned
    EXPECT_EQ(answers[0].span, (Span{16, 20}));
    EXPECT_EQ(answers[1].text, "9 euros");
    EXPECT_FALSE(answers[1].span.has_value());
  }
}

TEST_F(QaReading, NumbersAsIdsAndFaultsHavePlaces) {
  const std::string text = squad(kContext, R"({"id": 26, "question": "Q?", "answers": []},
{"id": 262, "question": "Q?", "answers": []},
{"id": 2, "question": "Q?"})");
  const auto stream = reader_.open(folder_.write("numbers.json", text));
  EXPECT_EQ(stream->next()->where.line, 1);
  EXPECT_EQ(stream->next()->where.line, 2);
  expect_error(ErrorKind::kContent, {"numbers.json:3:", "there is no 'answers'"}, [&] { stream->next(); });
}

TEST_F(QaReading, AnAnswerWithoutAPlaceMustBeOneOfAKind) {
  expect_bad("two.jsonl", R"({"question": "Q?", "context": "a b a", "answers": ["a"]})",
             {"two.jsonl:1: ", "no answer_start and stands 2 times"});
  expect_bad("none.jsonl", R"({"question": "Q?", "context": "a b a", "answers": ["c"]})", {"stands nowhere"});
}

TEST_F(QaReading, HostileJsonLines) {
  const auto line = [](const std::string& answers) {
    return R"({"question": "Q?", "context": "a b", "answers": )" + answers + "}";
  };
  expect_bad("a.jsonl", line("3"), {"a.jsonl:1: ", "the answers are an integer"});
  expect_bad("b.jsonl", line("[3]"), {"an answer is an integer"});
  expect_bad("c.jsonl", line(R"([{"answer_start": 1}])"), {"without \"text\""});
  expect_bad("d.jsonl", line(R"([{"text": 1, "answer_start": 1}])"), {"text is an integer"});
  expect_bad("e.jsonl", line(R"([{"text": "b", "answer_start": "2"}])"), {"answer_start is a string"});
  expect_bad("f.jsonl", line(R"({"text": ["b"], "answer_start": []})"), {"equally long lists"});
  expect_bad("g.jsonl", R"({"question": "Q?", "contxt": "a b", "answers": []})", {"'context'", "nearest: 'contxt'"});
  expect_bad("h.jsonl", R"({"question": "Q?", "context": "a b"})", {"'answers'"});
  expect_bad("i.jsonl", R"({"question": ["Q?"], "context": "a b", "answers": []})", {"'question' is an array"});
  expect_bad("j.jsonl", line("[]") + "\n" + R"({"id": "1", "question": "Q?", "context": "", "answers": []})",
             {"j.jsonl:2: ", "the id '1' comes twice, first in line 1"});
}

TEST_F(QaReading, HostileSquad) {
  expect_bad("a.json", "[1]", {"a.json: ", "no list \"data\"", "format = \"jsonl\""});
  expect_bad("b.json", R"({"data": 3})", {"no list \"data\""});
  expect_bad("c.json", R"({"data": [{"title": "x"}]})", {"article 1", "'paragraphs'", "found 'title'"});
  expect_bad("d.json", R"({"data": [{"paragraphs": [{"qas": [{}]}]}]})", {"paragraph 1: there is no 'context'"});
  expect_bad("e.json", squad(kContext, "{}"), {"article 1, paragraph 1, question 1: there is no 'id'; found nothing"});
  expect_bad("f.json", squad(kContext, "5"), {"found an integer; expected an object"});
  expect_bad("g.json", squad(kContext, R"({"id": [], "question": "", "answers": []})"), {"\"id\" is an array"});
  expect_bad("h.json", squad(kContext, R"({"id": "q", "question": "Q?"})"), {"'answers'"});
  expect_bad("i.json", squad(kContext, asked("q", "[]") + "," + asked("q", "[]")), {"the id 'q' comes twice"});
  expect_bad("j.json", R"({"data": [)", {"j.json:1:"});
  expect_bad("k.json", "{\"question\": \"Q?\", \"context\": \"\"}\n{\"question\": \"Q?\", \"context\": \"\"}\n",
             {"k.json:2:", "one object a line", "format = \"jsonl\""});
  EXPECT_TRUE(
      read("l.json", R"({"data": [{"paragraphs": []}, {"paragraphs": [{"context": "", "qas": []}]}]})").empty());
  EXPECT_EQ(read("m.json", "\xEF\xBB\xBF" + squad(kContext, asked("q", "[]"))).size(), 1U);
}

TEST_F(QaReading, FilesThatAreNoDataFiles) {
  expect_error(ErrorKind::kIo, {"none.json"}, [&] { reader_.open(folder_.path() + "/none.json"); });
  expect_error(ErrorKind::kIo, {"none.csv"}, [&] { reader_.open(folder_.path() + "/none.csv"); });
  expect_error(ErrorKind::kConfig, {"a.csv", "'.csv'", "`format`"}, [&] { read("a.csv", "x"); });
  expect_error(ErrorKind::kIo, {"is a folder"}, [&] {
    options_.set("format", "squad");
    reader_.open(folder_.path());
  });
}

TEST_F(QaReading, APredictionsInputNeedsQuestionAndContextAlone) {
  const auto example =
      reader_.from_json(R"({"question": "Q?", "context": "a b", "answers": "any"})", {"in.jsonl", 4, 0});
  const auto& own = static_cast<const QaExample&>(*example);
  EXPECT_FALSE(own.answers.has_value());
  EXPECT_EQ(own.id, "4");
  expect_error(ErrorKind::kContent, {"in.jsonl:5: ", "'context'"}, [&] {
    reader_.from_json(R"({"question": "x"})", {"in.jsonl", 5, 0});
  });
}

}  // namespace
}  // namespace berth::qa
