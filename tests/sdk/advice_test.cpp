// What the four tasks make of a file that nobody has described: which of them it is for, and with which options.
#include <gmock/gmock.h>

#include <map>

#include "berth/kit/sample.h"
#include "plugins/classification/advice.h"
#include "plugins/ner/advice.h"
#include "plugins/qa/advice.h"
#include "plugins/seq2seq/advice.h"

namespace berth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

using Chosen = std::map<std::string, std::string>;

constexpr double kLeastFit = 0.15;  // what `berth init` takes

DataSample sample_of(const std::string& path, const std::string& text, const Chosen& chosen = {}) {
  return {path, text, true, chosen, nullptr};
}

// The best of the four.
struct Best {
  std::string task;
  Suggestion suggestion;
};

Best best_for(const DataSample& sample) {
  const std::map<std::string, std::vector<Suggestion>> all = {{"classification", classification::suggest_data(sample)},
                                                              {"ner", ner::suggest_data(sample)},
                                                              {"qa", qa::suggest_data(sample)},
                                                              {"seq2seq", seq2seq::suggest_data(sample)}};
  Best best;
  for (const auto& [task, suggestions] : all) {
    for (const Suggestion& suggestion : suggestions) {
      if (suggestion.fit >= kLeastFit && suggestion.fit > best.suggestion.fit) best = {task, suggestion};
    }
  }
  return best;
}

Best best_for(const std::string& path, const std::string& text, const Chosen& chosen = {}) {
  return best_for(sample_of(path, text, chosen));
}

// Rows that look like people's: one text each, in which {} is a number, and what goes with it.
std::string reviews(const std::string& separator, const std::string& quote = "") {
  std::string rows;
  for (int i = 0; i < 12; ++i) {
    const std::string text = "parcel " + std::to_string(i) + " came late and was open";
    rows += quote + text + quote + separator + (i % 3 == 0 ? "good" : "bad") + "\n";
  }
  return rows;
}

std::string all_of(const std::string& path, const std::string& text) {
  std::string reasons;
  const DataSample sample = sample_of(path, text);
  for (const auto& suggestions : {classification::suggest_data(sample), ner::suggest_data(sample),
                                  qa::suggest_data(sample), seq2seq::suggest_data(sample)}) {
    for (const Suggestion& suggestion : suggestions) {
      EXPECT_LT(suggestion.fit, kLeastFit) << suggestion.reason;
      reasons += suggestion.reason + "\n";
    }
  }
  return reasons;
}

TEST(Advice, FindsTextAndLabelByTheirHeader) {
  const Best best = best_for("reviews.tsv", "review\tmood\n" + reviews("\t"));
  EXPECT_EQ(best.task, "classification");
  EXPECT_THAT(best.suggestion.data, ElementsAre(Pair("text", "\"review\""), Pair("label", "\"mood\"")));
  EXPECT_THAT(best.suggestion.options, IsEmpty());
  EXPECT_THAT(best.suggestion.reason, HasSubstr("2 different values"));
}

TEST(Advice, NamesTheColumnsOfAFileWithoutHeader) {
  const Best best = best_for("reviews.csv", reviews(","));
  EXPECT_EQ(best.task, "classification");
  EXPECT_THAT(best.suggestion.data, ElementsAre(Pair("columns", R"(["text", "label"])"), Pair("text", "\"text\""),
                                                Pair("label", "\"label\"")));
}

TEST(Advice, ReadsTheSeparatorFromTheContent) {
  EXPECT_THAT(best_for("reviews.csv", "review\tmood\n" + reviews("\t")).suggestion.data,
              UnorderedElementsAre(Pair("format", "\"tsv\""), Pair("text", "\"review\""), Pair("label", "\"mood\"")));
  EXPECT_THAT(best_for("reviews.txt", "review,mood\n" + reviews(",")).suggestion.data,
              UnorderedElementsAre(Pair("format", "\"csv\""), Pair("text", "\"review\""), Pair("label", "\"mood\"")));
}

TEST(Advice, ReadsQuotedFields) {
  std::string rows = "mood,review\n";
  for (int i = 0; i < 10; ++i) {
    rows +=
        std::string(i % 2 == 0 ? "good" : "bad") + ",\"said \"\"no\"\", twice,\nand left " + std::to_string(i) + "\"\n";
  }
  const Best best = best_for("reviews.csv.gz", rows);
  EXPECT_EQ(best.task, "classification");
  EXPECT_THAT(best.suggestion.data, UnorderedElementsAre(Pair("text", "\"review\""), Pair("label", "\"mood\"")));
  const Best tabs = best_for("reviews.tsv", "review\tmood\n" + reviews("\t", "\""));
  EXPECT_THAT(tabs.suggestion.data, testing::Contains(Pair("quote", "true")));
  // Quotes that are part of a text.
  const Best said = best_for("said.tsv", "review\tmood\n\"no\" she said to me\tbad\n" + reviews("\t"));
  EXPECT_THAT(said.suggestion.data, testing::Not(testing::Contains(Pair("quote", "true"))));
}

TEST(Advice, SaysWhatToDoWithSemicolons) {
  EXPECT_THAT(all_of("reviews.csv", "review;mood\n" + reviews(";")), HasSubstr("semicolons"));
}

TEST(Advice, TakesNoIdentifierOrDateForAText) {
  std::string rows = "id,written,topic,body\n";
  for (int i = 0; i < 12; ++i) {
    rows += "a-very-long-identifier-of-a-mail-" + std::to_string(i) + "@example.org,2024-03-" + std::to_string(10 + i) +
            "T12:30:00Z," + (i % 2 == 0 ? "bill" : "other") + ",please look " + std::to_string(i) + "\n";
  }
  const Best best = best_for("mails.csv", rows);
  EXPECT_EQ(best.task, "classification");
  EXPECT_THAT(best.suggestion.data, ElementsAre(Pair("text", "\"body\""), Pair("label", "\"topic\"")));
}

TEST(Advice, FindsPairsNumbersAndSeveralLabels) {
  std::string pairs = "sentence1\tsentence2\tscore\n";
  std::string topics = "text,topics\n";
  for (int i = 0; i < 30; ++i) {
    const std::string n = std::to_string(i);
    pairs += "a man plays " + n + "\ta man sings " + n + "\t" + std::to_string(i % 5) + "." + n + "\n";
    topics += "mail number " + n + ",\"" + (i % 3 == 0 ? "bill" : i % 3 == 1 ? "bill,late" : "late,lost") + "\"\n";
  }
  const Best numbers = best_for("sts.tsv", pairs);
  EXPECT_THAT(numbers.suggestion.data, ElementsAre(Pair("text", "\"sentence1\""), Pair("text_pair", "\"sentence2\""),
                                                   Pair("label", "\"score\"")));
  EXPECT_THAT(numbers.suggestion.options, ElementsAre(Pair("kind", "\"regression\"")));
  const Best several = best_for("topics.csv", topics);
  EXPECT_THAT(several.suggestion.options, ElementsAre(Pair("kind", "\"multi-label\"")));
  EXPECT_THAT(several.suggestion.reason, HasSubstr("3 labels"));
}

TEST(Advice, KeepsToWhatTheUserHasChosen) {
  std::string rows = "title\tbody\tmood\tsection\n";
  for (int i = 0; i < 12; ++i) {
    const std::string n = std::to_string(i);
    rows += "parcel " + n + " is late\tmy parcel " + n + " has not come and I wait\t" + (i % 2 == 0 ? "good" : "bad") +
            "\t" + (i % 3 == 0 ? "post" : "shop") + "\n";
  }
  const auto chosen = [&](const Chosen& options) {
    return classification::suggest_data(sample_of("a.tsv", rows, options)).front();
  };
  EXPECT_THAT(chosen({{"text", "\"title\""}, {"label", "\"section\""}}).data,
              ElementsAre(Pair("text", "\"title\""), Pair("label", "\"section\"")));
  const Suggestion missing = chosen({{"text", "\"boddy\""}});
  EXPECT_EQ(missing.fit, 0);
  EXPECT_THAT(missing.reason, testing::AllOf(HasSubstr("boddy"), HasSubstr("'body'")));
}

TEST(Advice, WritesHostileNamesAsToml) {
  const Best best = best_for("a.tsv", "te\"xt # \x7f\tlab\\el]\n" + reviews("\t"));
  EXPECT_THAT(best.suggestion.data,
              ElementsAre(Pair("text", R"x("te\"xt # \u007f")x"), Pair("label", R"x("lab\\el]")x")));
  const Best twice = best_for(
      "a.tsv", "text\ttext\tlabel\n" + [] {
        std::string rows;
        for (int i = 0; i < 9; ++i)
          rows += "one " + std::to_string(i) + " is here\tit goes on " + std::to_string(i) + "\tl" +
                  std::to_string(i % 2) + "\n";
        return rows;
      }());
  EXPECT_THAT(twice.suggestion.data, testing::Contains(Pair("columns", R"(["text", "text_2", "label"])")));
  EXPECT_THAT(twice.suggestion.data, testing::Contains(Pair("header", "\"yes\"")));
}

TEST(Advice, ReadsJsonLines) {
  std::string rows;
  for (int i = 0; i < 10; ++i) {
    rows += R"({"text": "mail number )" + std::to_string(i) + R"( has come", "label": )" +
            (i % 2 == 0 ? R"(["bill"])" : R"(["bill", "late"])") + "}\n";
  }
  const Best best = best_for("mails.jsonl", rows);
  EXPECT_EQ(best.task, "classification");
  EXPECT_THAT(best.suggestion.options, ElementsAre(Pair("kind", "\"multi-label\"")));
  EXPECT_THAT(best_for("mails.txt", rows).suggestion.data, testing::Contains(Pair("format", "\"jsonl\"")));
  EXPECT_THAT(all_of("mails.json", "[\n{\"text\": \"a\", \"label\": \"b\"}\n]\n"), HasSubstr("jq"));
}

TEST(Advice, FindsWordsAndTags) {
  std::string conll = "-DOCSTART- -X- O\n\n";
  std::string ud;
  for (int i = 0; i < 5; ++i) {
    conll += "Clara NNP B-person\nBoswell NNP I-person\nsleeps VB O\n\n";
    ud += "# id 7\n1\tClara\tB-person\t_\n2\tsleeps\tO\t_\n\n";
  }
  const Best best = best_for("train.txt", conll);
  EXPECT_EQ(best.task, "ner");
  EXPECT_THAT(best.suggestion.data, IsEmpty());
  EXPECT_THAT(best.suggestion.reason, HasSubstr("'person'"));
  EXPECT_THAT(best_for("train.conll", ud).suggestion.data,
              ElementsAre(Pair("word", "2"), Pair("tag", "-2"), Pair("comment", "\"# \"")));
  EXPECT_THAT(best_for("train.json", conll).suggestion.data, ElementsAre(Pair("format", "\"conll\"")));
}

TEST(Advice, FindsMarkedStretches) {
  std::string rows;
  std::string split;
  for (int i = 0; i < 4; ++i) {
    rows += R"({"id": )" + std::to_string(i) +
            R"(, "body": "Clara sleeps.", "spans": [{"start": 0, "end": 5, "label": "person"}]})"
            "\n";
    split += R"({"words": ["Clara", "sleeps"], "ner": ["B-person", "O"]})"
             "\n";
  }
  const Best best = best_for("notes.jsonl", rows);
  EXPECT_EQ(best.task, "ner");
  EXPECT_THAT(best.suggestion.data, ElementsAre(Pair("text", "\"body\""), Pair("entities", "\"spans\"")));
  EXPECT_THAT(best_for("notes.jsonl", split).suggestion.data,
              ElementsAre(Pair("tokens", "\"words\""), Pair("tags", "\"ner\"")));
  const std::string within = R"({"text": "Clara sleeps.", "entities": [[0, 3, "person"]]})"
                             "\n";
  EXPECT_THAT(best_for("notes.jsonl", within).suggestion.data, testing::Contains(Pair("widen", "true")));
}

TEST(Advice, PassesOverListsThatAreNoEntities) {
  for (const char* list : {"[[]]", "[[1]]", "[[0, 3, 7]]", "[{}]", "[\"x\"]", "[null]"}) {
    const std::string row = std::string(R"({"text": "Clara sleeps.", "entities": )") + list + "}\n";
    EXPECT_EQ(ner::suggest_data(sample_of("notes.jsonl", row)).front().fit, 0) << list;
    EXPECT_NE(best_for("notes.jsonl", row + row).task, "ner");
  }
}

TEST(Advice, FindsQuestions) {
  const std::string squad =
      R"({"version": "1", "data": [{"title": "a", "paragraphs": [{"context": "It is blue.", "qas": [)";
  EXPECT_EQ(best_for("train.json", squad).task, "qa");
  EXPECT_THAT(best_for("train.json", squad).suggestion.data, IsEmpty());
  EXPECT_THAT(best_for("train.txt", squad).suggestion.data, ElementsAre(Pair("format", "\"squad\"")));
  const std::string lines = R"({"query": "What is it?", "passage": "It is blue.", "answers": ["blue"]})"
                            "\n"
                            R"({"query": "Who?", "passage": "It is blue.", "answers": []})"
                            "\n";
  EXPECT_THAT(
      best_for("train.jsonl", lines).suggestion.data,
      ElementsAre(Pair("question", "\"query\""), Pair("context", "\"passage\""), Pair("answers", "\"answers\"")));
  EXPECT_THAT(best_for("train.json", lines).suggestion.data, testing::Contains(Pair("format", "\"jsonl\"")));
  const Suggestion table =
      qa::suggest_data(sample_of("a.tsv", "question\tcontext\tanswer\nWhat?\tIt is blue.\tblue\n")).front();
  EXPECT_EQ(table.fit, 0);
  EXPECT_THAT(table.reason, HasSubstr(".jsonl"));
}

TEST(Advice, FindsTextsToWrite) {
  std::string orders = "source\ttarget\n";
  std::string summaries = "article,summary\n";
  for (int i = 0; i < 30; ++i) {
    const std::string n = std::to_string(i);
    orders += "please send " + n + " jars to Clara.\t[order [count " + n + " ] [name Clara ] ]\n";
    summaries += "\"In town " + n + ", the mayor opened a bridge and left.\",Mayor opens bridge " + n + "\n";
  }
  const Best best = best_for("orders.tsv", orders);
  EXPECT_EQ(best.task, "seq2seq");
  EXPECT_THAT(best.suggestion.data, ElementsAre(Pair("source", "\"source\""), Pair("target", "\"target\"")));
  EXPECT_THAT(best.suggestion.options,
              ElementsAre(Pair("kind", "\"pointer\""), Pair("split_punctuation", "true"), Pair("max_length", "16")));
  const Best summary = best_for("news.csv", summaries);
  EXPECT_EQ(summary.task, "seq2seq");
  EXPECT_THAT(summary.suggestion.data, ElementsAre(Pair("source", "\"article\""), Pair("target", "\"summary\"")));
}

TEST(Advice, SaysWhatEachTaskNeedsWhereNoneFits) {
  const std::string prose =
      "It was a dark night, and the rain fell.\nNobody was there.\nSo she went on, slowly, alone.\n";
  for (const auto& text : {prose, std::string("3.1\n2.7\n1.4\n"), std::string("1,2,3\n4,5,6\n7,8,9\n")}) {
    EXPECT_THAT(all_of("a.txt", text), testing::AllOf(HasSubstr("labels"), HasSubstr("SQuAD"), HasSubstr("B-person"),
                                                      HasSubstr("what is written")));
  }
}

TEST(Advice, AHeaderWiderThanItsRowsIsNoTable) {
  std::string rows = "text,label,\n";
  for (int i = 0; i < 12; ++i) rows += "a fine day " + std::to_string(i) + (i % 2 == 0 ? ",good\n" : ",bad\n");
  const kit::SampleRows read = kit::read_sample_rows(sample_of("a.csv", rows, {{"header", "\"yes\""}}));
  EXPECT_FALSE(read.table);
  EXPECT_THAT(read.fault, HasSubstr("a header of 3 fields above rows of 2"));
}

TEST(Advice, RowsWithNamesOfTheirOwnAreNoTable) {
  std::string rows;
  for (int i = 0; i < 3000; ++i) rows += R"({"u)" + std::to_string(i) + R"(": "text"})" + "\n";
  EXPECT_THAT(kit::read_sample_rows(sample_of("a.jsonl", rows)).fault, HasSubstr("other field names"));
}

TEST(Advice, AFieldThatIsAListInSomeRowsIsNoList) {
  std::string rows;
  for (int i = 0; i < 12; ++i) {
    rows += R"({"note": )" + std::string(i % 4 == 0 ? R"("[draft")" : R"(["draft", "new"])") +
            R"(, "text": "mail number )" + std::to_string(i) + R"( has come", "label": ")" +
            (i % 3 == 0 ? "bill" : "other") + "\"}\n";
  }
  const Best best = best_for("mails.jsonl", rows);
  EXPECT_EQ(best.task, "classification");
  EXPECT_THAT(best.suggestion.data, ElementsAre(Pair("text", "\"text\""), Pair("label", "\"label\"")));
}

TEST(Advice, AColumnThatIsCalledByItsNameHasOne) {
  std::string rows = "english\tdeutsch\n";
  for (int i = 0; i < 26; ++i) {
    const std::string letter(1, static_cast<char>('a' + i));
    rows += "house " + letter + "\thaus " + letter + "\n";
  }
  const DataSample sample = sample_of("a.tsv", rows, {{"source", "\"english\""}, {"target", "\"deutsch\""}});
  const kit::SampleRows read = kit::read_sample_rows(sample);
  ASSERT_TRUE(read.table);
  EXPECT_EQ(read.table->rows, 26U);
  const Suggestion suggestion = seq2seq::suggest_data(sample).front();
  EXPECT_GT(suggestion.fit, 0) << suggestion.reason;
  EXPECT_THAT(suggestion.data, UnorderedElementsAre(Pair("source", "\"english\""), Pair("target", "\"deutsch\"")));
}

TEST(Advice, AChosenTextIsNotTheLabelToo) {
  std::string rows = "category,code,note\n";
  for (int i = 0; i < 12; ++i) {
    rows += std::string(i % 2 == 0 ? "red wine" : "old cheese") + "," + std::to_string(1000 + 7 * i) + ",seen on " +
            std::to_string(i) + " of the days in town\n";
  }
  const Suggestion suggestion =
      classification::suggest_data(sample_of("a.csv", rows, {{"text", "\"category\""}})).front();
  EXPECT_THAT(suggestion.data, testing::Not(testing::Contains(Pair("label", "\"category\""))));
}

TEST(Advice, AHashIsAWordWhereItHasATag) {
  const auto sentences = [](const std::string& extra) {
    std::string lines;
    for (int i = 0; i < 5; ++i) lines += extra + "Clara B-person\nsleeps O\n\n";
    return best_for("train.txt", lines);
  };
  const auto comment = testing::Contains(Pair("comment", "\"# \""));
  const Best words = sentences("# O\n");
  EXPECT_EQ(words.task, "ner");
  EXPECT_THAT(words.suggestion.data, testing::Not(comment));
  EXPECT_THAT(sentences("# sent 1\n").suggestion.data, comment);
}

TEST(Advice, ReadsABeginningThatEndsWithinARow) {
  DataSample sample = sample_of("a.csv", "text,label\n" + reviews(",") + "\"and the last one is");
  sample.is_whole = false;
  const kit::SampleRows rows = kit::read_sample_rows(sample);
  ASSERT_TRUE(rows.table);
  EXPECT_EQ(rows.table->rows, 12U);
  EXPECT_EQ(rows.table->columns[1].distinct, 2U);
  EXPECT_EQ(rows.table->columns[0].kind, kit::ColumnKind::kText);
}

}  // namespace
}  // namespace berth
