// The seq2seq plugin from its file to its scores, with an encoder that is a table.
#include <gmock/gmock.h>

#include <cmath>

#include "berth/kit/json.h"
#include "plugins/seq2seq/prediction.h"
#include "seq2seq_support.h"
#include "task_test.h"

namespace berth::seq2seq {
namespace {

using kit::parse_json;
using test::expect_error;
using test::FakeOptions;
using ::testing::ElementsAre;

constexpr std::int64_t kWidth = 32;

const std::string kMusic =
    "source\ttarget\n"
    "play some jazz\t[play [genre jazz ] ]\n"
    "play some blues\t[play [genre blues ] ]\n"
    "stop now\t[stop ]\n"
    "play Bowie\t[play [artist Bowie ] ]\n"
    "stop\t[stop ]\n"
    "play Queen\t[play [artist Queen ] ]\n";

class Seq2Seq : public test::TaskTest {
 protected:
  Seq2Seq() : TaskTest(test::small_tokenizer()) {}

  EncoderInfo encoder() const {
    at::manual_seed(1);
    EncoderInfo info{kWidth, 2, tokenizer_->vocabulary_size() + 3, 64, 0.0, 0.02};
    info.word_embeddings = at::randn({info.vocabulary_size, kWidth}).mul_(0.1).requires_grad_(true);
    return info;
  }
  std::vector<std::string> words() const {
    std::vector<std::string> result;
    const kit::Json state = parse_json(task_->save_state());
    for (const kit::Json& word : state.at("words").as_array()) result.push_back(word.as_string());
    return result;
  }
  void expect_fit_error(ErrorKind kind, std::initializer_list<std::string_view> parts) {
    expect_error(kind, parts, [&] { fitted("train.tsv", kMusic); });
  }
};

TEST_F(Seq2Seq, LearnsEachKindAndScoresIt) {
  for (const char* kind : {"pointer-generator", "generator", "pointer"}) {
    task_ = make();
    FakeOptions options;
    task_->describe(options);
    options.set("kind", kind);
    options.set("beams", std::int64_t{2});
    const auto set = fitted("train.tsv", kMusic);
    const auto head = task_->make_head(encoder());
    EXPECT_EQ(head->input(), HeadInput::kAllTokens);
    const auto [before, after] = test::train(*head, *set, kWidth, 250, 0.3);
    EXPECT_LT(after, 0.05 * before) << kind;
    const auto scores = set->evaluate(*task_, *head, kWidth);
    EXPECT_EQ(scores.at("exact_match").value, 1) << kind;
    EXPECT_TRUE(scores.at("exact_match").is_primary);
    EXPECT_EQ(scores.at("token_accuracy").value, 1);
    EXPECT_NEAR(scores.at("bleu").value, 100, 1e-9);
    EXPECT_EQ(scores.at("rouge_l").value, 1);
    const kit::Json answer = parse_json(set->predictions.front()->json());
    EXPECT_EQ(answer.at("prediction").as_string(), "[play [genre jazz ] ]");
    EXPECT_LT(answer.at("score").as_double(), 0);
    EXPECT_EQ(answer.find("tokens"), nullptr);
  }
}

TEST_F(Seq2Seq, LearnsWithTheEncodersTokens) {
  options_.set("vocabulary", "wordpiece");
  const auto set = fitted("train.tsv", kMusic);
  EXPECT_THAT(words(), ElementsAre());
  const auto head = task_->make_head(encoder());
  const auto [before, after] = test::train(*head, *set, kWidth, 500, 0.4);
  EXPECT_LT(after, 0.05 * before);
  EXPECT_EQ(set->evaluate(*task_, *head, kWidth).at("exact_match").value, 1);
  // As the tokenizer gives it back: lower case.
  EXPECT_EQ(static_cast<const Seq2SeqPrediction&>(*set->predictions[3]).answer().text, "[ play [ artist bowie ] ]");
  options_.set("score_as_written", true);
  EXPECT_EQ(set->evaluate(*task_, *head, kWidth).at("exact_match").value, 0);
}

TEST_F(Seq2Seq, CopiesWhatTheVocabularyLacks) {
  options_.set("vocabulary", "symbols");
  options_.set("show_copies", true);
  const auto set = fitted("train.tsv", kMusic);
  EXPECT_THAT(words(), ElementsAre("]", "[play", "[artist", "[genre", "[stop"));  // never words of their source
  const auto head = task_->make_head(encoder());
  test::train(*head, *set, kWidth, 250, 0.3);
  EXPECT_EQ(set->evaluate(*task_, *head, kWidth).at("exact_match").value, 1);
  const kit::Json answer = parse_json(set->predictions[3]->json());
  EXPECT_EQ(answer.at("prediction").as_string(), "[play [artist Bowie ] ]");
  const kit::Json::Array& tokens = answer.at("tokens").as_array();
  ASSERT_EQ(tokens.size(), 5U);
  EXPECT_EQ(kit::dump_json(tokens[1]), R"({"token": "[artist", "from": "vocabulary"})");
  EXPECT_EQ(kit::dump_json(tokens[2]), R"({"token": "Bowie", "from": "source", "source_word": 1})");
}

TEST_F(Seq2Seq, PredictsWithoutATarget) {
  const auto set = fitted("train.tsv", kMusic);
  const auto head = task_->make_head(encoder());
  const auto example = task_->make_reader()->from_json(R"({"source": "play \u0416 zz"})", {});
  test::CollectingSink sink;
  task_->features(*example, {*tokenizer_, 64}, sink);
  ASSERT_EQ(sink.features.size(), 1U);
  EXPECT_FALSE(sink.features[0].fields.contains("target"));
  const auto batch = test::pack(sink.features, task_->fields());
  head->eval();
  const Outputs outputs = head->predict(test::FakeEncoded(*batch, kWidth));
  const test::FakeResult result(sink.features[0], *batch, outputs, 0);
  const auto prediction = task_->decode(*example, {&result});
  EXPECT_NE(parse_json(prediction->json()).find("prediction"), nullptr);
  expect_error(ErrorKind::kContent, {"no target", "add the target"},
               [&] { task_->make_metric()->add(*example, *prediction); });
}

TEST_F(Seq2Seq, HostileSourcesAndTargetsPass) {
  const std::string rows =
      "{\"source\": \"\", \"target\": \"\"}\n"
      "{\"source\": \"\\u0000\\u200b\", \"target\": \"x\"}\n"
      "{\"source\": 5, \"target\": true}\n"
      "{\"source\": \"" +
      std::string(4000, 'a') +
      "\", \"target\": \"\\ud83d\\ude00 [end] [begin]\"}\n"
      "{\"source\": \"]] [[ ]]\", \"target\": \"]] ]]\"}\n";
  for (const char* vocabulary : {"targets", "symbols", "wordpiece"}) {
    task_ = make();
    FakeOptions options;
    task_->describe(options);
    options.set("vocabulary", vocabulary);
    const auto set = fitted("train.jsonl", rows);
    const auto head = task_->make_head(encoder());
    const auto [before, after] = test::train(*head, *set, kWidth, 2, 0.1);
    EXPECT_TRUE(std::isfinite(after)) << vocabulary;
    EXPECT_GT(before, 0);
    set->evaluate(*task_, *head, kWidth);
    for (const auto& prediction : set->predictions) parse_json(prediction->json());
  }
}

TEST_F(Seq2Seq, StateCarriesTheVocabulary) {
  const auto set = fitted("train.tsv", kMusic);
  const std::string state = task_->save_state();
  task_ = make();
  task_->load_state(state);
  EXPECT_EQ(task_->save_state(), state);
  const auto again = loaded(folder_.path() + "/train.tsv");
  EXPECT_EQ(std::get<0>(again->features[3].fields.at("target")), std::get<0>(set->features[3].fields.at("target")));
  expect_error(ErrorKind::kContent, {"'wordpiece'"}, [&] { task_->load_state("{}"); });
  expect_error(ErrorKind::kConfig, {"`vocabulary` says otherwise"},
               [&] { task_->load_state(R"({"wordpiece": true, "words": []})"); });
}

TEST_F(Seq2Seq, VocabularyIsCutByCountAndSize) {
  options_.set("min_count", std::int64_t{2});
  fitted("train.tsv", kMusic);
  EXPECT_THAT(words(), ElementsAre("]", "[play", "[artist", "[genre", "[stop"));
  options_.set("max_words", std::int64_t{2});
  fitted("train.tsv", kMusic);
  EXPECT_THAT(words(), ElementsAre("]", "[play"));
}

TEST_F(Seq2Seq, WordsStartFromTheirPieces) {
  fitted("train.tsv", "source\ttarget\na\tplaying\n");
  const EncoderInfo info = encoder();
  const auto head = task_->make_head(info);
  const at::Tensor table = *head->named_parameters().find("embedding.words.weight");
  ASSERT_EQ(table.size(0), 4);
  const at::Tensor mean =
      (info.word_embeddings[tokenizer_->id("play")] + info.word_embeddings[tokenizer_->id("##ing")]) / 2;
  EXPECT_TRUE(at::allclose(table[3], mean));
  EXPECT_TRUE(at::allclose(table[1], info.word_embeddings[tokenizer_->sep_id()]));
  EXPECT_TRUE(table.is_leaf());
}

TEST_F(Seq2Seq, NormsAreNamedSoThatDecayLeavesThemOut) {
  fitted("train.tsv", kMusic);
  for (const auto& parameter : task_->make_head(encoder())->named_parameters()) {
    const bool is_matrix = parameter.value().dim() > 1;
    const bool is_left_out = parameter.key().ends_with("bias") || parameter.key().find("norm") != std::string::npos;
    EXPECT_NE(is_matrix, is_left_out) << parameter.key();
  }
}

TEST_F(Seq2Seq, PunctuationCanBeSplitOffSources) {
  options_.set("vocabulary", "symbols");
  options_.set("split_punctuation", true);
  fitted("train.tsv", "source\ttarget\nTwo jars, please.\t[buy jars ]\n");
  EXPECT_THAT(words(), ElementsAre("[buy", "]"));
}

TEST_F(Seq2Seq, LongTrainingTargetsAreRefusedAndOthersCut) {
  options_.set("max_length", std::int64_t{5});
  const auto set = fitted("train.tsv", kMusic);
  const std::string file = folder_.write("dev.tsv", "source\ttarget\nplay\ta b c d e f\nplay\ta b c d e\n");
  const auto dev = loaded(file);
  EXPECT_EQ(std::get<0>(dev->features[0].fields.at("target")).size(), 5U);  // no end
  EXPECT_EQ(std::get<0>(dev->features[1].fields.at("target")).back(), 1);
  options_.set("max_length", std::int64_t{4});
  expect_fit_error(ErrorKind::kContent, {"train.tsv:2: ", "5 words", "max_length = 4"});
}

TEST_F(Seq2Seq, RowsWithoutATargetSayWhere) {
  expect_error(ErrorKind::kContent, {"a.tsv", "'target'", "'targt'"},
               [&] { fitted("a.tsv", "source\ttargt\nx\ty\n"); });
  expect_error(ErrorKind::kContent, {"b.jsonl:2: ", "'target'"},
               [&] { fitted("b.jsonl", "{\"source\": \"x\", \"target\": \"y\"}\n{\"source\": \"x\"}\n"); });
  expect_error(ErrorKind::kContent, {"c.jsonl:1: ", "'source'"},
               [&] { fitted("c.jsonl", "{\"source\": [1], \"target\": \"y\"}\n"); });
  fitted("d.tsv", "a b\tc d\n", [](FakeOptions& data) {
    data.set("columns", std::vector<std::string>{"in", "out"});
    data.set("source", "in");
    data.set("target", "out");
  });
  EXPECT_THAT(words(), ElementsAre("c", "d"));
}

TEST_F(Seq2Seq, ContradictoryOptionsAreRefused) {
  options_.set("kind", "generator");
  options_.set("vocabulary", "symbols");
  expect_fit_error(ErrorKind::kConfig, {"copies nothing", "\"targets\""});
  options_.set("vocabulary", "auto");
  options_.set("coverage", 1.0);
  expect_fit_error(ErrorKind::kConfig, {"`coverage`"});
  options_.set("kind", "pointer");
  options_.set("min_length", std::int64_t{200});
  expect_fit_error(ErrorKind::kConfig, {"`min_length` is 200", "128"});
  options_.set("min_length", std::int64_t{0});
  options_.set("vocabulary", "wordpiece");
  options_.set("max_words", std::int64_t{9});
  expect_fit_error(ErrorKind::kConfig, {"`max_words`"});
  options_.set("max_words", std::int64_t{0});
  options_.set("heads", std::int64_t{5});
  fitted("train.tsv", kMusic);
  expect_error(ErrorKind::kConfig, {"`heads` is 5", "32"}, [&] { task_->make_head(encoder()); });
}

TEST_F(Seq2Seq, MetricsOfPartsAreThoseOfTheWhole) {
  const auto example = task_->make_reader()->from_json(R"({"source": "x"})", {});
  const std::pair<const char*, const char*> kPairs[] = {{"the cat sat", "the cat sat"},
                                                        {"a b c d e", "a x c d"},
                                                        {"", ""},
                                                        {"one two", ""},
                                                        {"Hello, you!", "hello you"}};
  const auto whole = task_->make_metric();
  const auto first = task_->make_metric();
  const auto second = task_->make_metric();
  int i = 0;
  for (const auto& [reference, text] : kPairs) {
    Answer answer;
    answer.text = text;
    answer.reference = reference;
    const Seq2SeqPrediction prediction(answer);
    whole->add(*example, prediction);
    (i++ % 2 == 0 ? first : second)->add(*example, prediction);
  }
  first->merge(second->state());
  const auto a = whole->result();
  const auto b = first->result();
  ASSERT_EQ(a.size(), 6U);
  for (std::size_t k = 0; k < a.size(); ++k) EXPECT_EQ(a[k].value, b[k].value) << a[k].name;
  EXPECT_EQ(a[0].value, 0.4);
  EXPECT_EQ(a[1].value, (3 + 3) / (3.0 + 5 + 0 + 2 + 2));
  EXPECT_TRUE(std::isnan(task_->make_metric()->result()[0].value));
  expect_error(ErrorKind::kContent, {"another form"},
               [&] { first->merge(R"({"counts": [1], "bleu": [], "rouge": []})"); });
}

}  // namespace
}  // namespace berth::seq2seq
