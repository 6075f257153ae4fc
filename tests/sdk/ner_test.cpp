// The ner plugin from its files to its scores, with a real tokenizer and an encoder that is a table.
#include <gmock/gmock.h>

#include <cmath>

#include "berth/kit/json.h"
#include "core/text/load_tokenizer.h"
#include "plugins/ner/example.h"
#include "plugins/ner/features.h"
#include "plugins/ner/prediction.h"
#include "task_test.h"

namespace berth::ner {
namespace {

using kit::parse_json;
using test::expect_error;
using test::FakeOptions;
using test::FakeSet;
using testing::ElementsAre;

constexpr std::int64_t kWidth = 24;
const EncoderInfo kEncoder{kWidth, 2, test::FakeTokenizer::kVocabulary, 64, 0.0, 0.02, {}};

const std::string kConll =
    "-DOCSTART-\tO\n\nhello\tO\nworld\tB-place\nis\tO\nnew\tB-thing\ntoken\tI-thing\n\n"
    "-DOCSTART-\tO\n\nthe\tO\ndog\tB-thing\nover\tO\nWorld\tB-place\n.\tO\n\n\n"
    "quick\tB-thing\nfox\tI-thing\njumped\tO\n";

class Ner : public test::TaskTest {
 protected:
  Ner() : TaskTest(text::load_tokenizer(BERTH_TOKENIZER_DATA)) {}

  std::vector<std::unique_ptr<Example>> read(const std::string& name, const std::string& content,
                                             const Fill& fill = {}) const {
    FakeSet set(*task_, folder_.write(name, content), fill);
    std::vector<std::unique_ptr<Example>> examples;
    while (auto example = set.stream().next()) examples.push_back(std::move(example));
    return examples;
  }
  void expect_read_error(const std::string& name, const std::string& content,
                         std::initializer_list<std::string_view> parts, const Fill& fill = {}) const {
    expect_error(ErrorKind::kContent, parts, [&] { read(name, content, fill); });
  }
  static const NerExample& own(const std::unique_ptr<Example>& example) {
    return static_cast<const NerExample&>(*example);
  }
  // The answer to a line of `berth predict`.
  kit::Json answer(Head& head, const std::string& json) const {
    const auto reader = task_->make_reader();
    FakeOptions data;
    reader->describe(data);
    const auto example = reader->from_json(json, {"in", 1, 0});
    test::CollectingSink sink;
    task_->features(*example, {*tokenizer_, max_length_}, sink);
    const auto batch = test::pack(sink.features, task_->fields());
    EXPECT_FALSE(batch->has_field(kTag));
    head.eval();
    const at::NoGradGuard no_grad;
    const Outputs outputs = head.predict(test::FakeEncoded(*batch, kWidth));
    std::vector<test::FakeResult> results;
    std::vector<const FeatureResult*> pointers;
    results.reserve(sink.features.size());
    for (const Feature& feature : sink.features) {
      results.emplace_back(feature, *batch, outputs, static_cast<std::int64_t>(results.size()));
      pointers.push_back(&results.back());
    }
    return parse_json(task_->decode(*example, pointers)->json());
  }
};

TEST_F(Ner, ReadsConll) {
  const auto examples = read("a.txt", kConll);
  ASSERT_EQ(examples.size(), 3U);
  EXPECT_THAT(own(examples[1]).words, ElementsAre("the", "dog", "over", "World", "."));
  EXPECT_EQ(own(examples[1]).text, "the dog over World .");
  EXPECT_EQ(own(examples[1]).places[3], (Span{13, 18}));
  EXPECT_THAT(*own(examples[1]).entities, ElementsAre(kit::EntitySpan{1, 2, "thing"}, kit::EntitySpan{3, 4, "place"}));
  EXPECT_EQ(own(examples[1]).where.line, 11);
  const kit::Json fields = parse_json(examples[2]->json());
  EXPECT_EQ(fields.at("text").as_string(), "quick fox jumped");
  EXPECT_EQ(fields.at("tags").as_array()[1].as_string(), "I-thing");
}

TEST_F(Ner, ReadsAnyColumnAndScheme) {
  const auto columns = [](FakeOptions& data) {
    data.set<std::int64_t>("word", 2);
    data.set<std::int64_t>("tag", -2);
    data.set("comment", "# ");
    data.set("scheme", "bilou");
  };
  const auto examples = read("a.conllu", "# id 1\r\n1 dog  B-x _\r\n2 fox L-x _\r\n3 is U-x _\r\n", columns);
  ASSERT_EQ(examples.size(), 1U);
  EXPECT_THAT(*own(examples[0]).entities, ElementsAre(kit::EntitySpan{0, 2, "x"}, kit::EntitySpan{2, 3, "x"}));
  const auto iob1 = read("b.txt", "a I-x\nb I-x\nc B-x\n");
  EXPECT_THAT(*own(iob1[0]).entities, ElementsAre(kit::EntitySpan{0, 2, "x"}, kit::EntitySpan{2, 3, "x"}));
}

TEST_F(Ner, BadConllLinesSayWhere) {
  expect_read_error("a.txt", "the O\ndog\n", {"a.txt:2: ", "1 column", "'dog'"});
  expect_read_error("a.txt", "the O\ndog B_thing\n", {"a.txt:2: ", "'B_thing'", "B-person"});
  expect_read_error("a.txt", "the O\n\tB-x\n", {"a.txt:2: ", "the word is empty"});
  expect_read_error("a.txt", "the\tO\ndog\t\tx\n", {"a.txt:2: ", "found '' as tag"},
                    [](FakeOptions& data) { data.set<std::int64_t>("tag", 2); });
  expect_read_error("a.txt", "the O\ndog O x\n", {"a.txt:1: ", "`tag` is column 3"},
                    [](FakeOptions& data) { data.set<std::int64_t>("tag", 3); });
  expect_read_error("a.txt", "the O\ndog S-x\n", {"a.txt:2: ", "'S-x'", "scheme = \"iob2\"", "OBI"},
                    [](FakeOptions& data) { data.set("scheme", "iob2"); });
  expect_error(ErrorKind::kConfig, {"`word` is 0"},
               [&] { read("a.txt", "a O\n", [](FakeOptions& data) { data.set<std::int64_t>("word", 0); }); });
}

TEST_F(Ner, ReadsMarkedTexts) {
  const auto examples = read(
      "a.jsonl",
      R"({"text": "Zoë (Köln) 😀 Berlin-based", "entities": [{"start": 13, "end": 19, "label": "place"}, [0, 3, "who"], [5, 9, "place"]]})"
      "\n"
      R"({"text": "none", "entities": []})");
  ASSERT_EQ(examples.size(), 2U);
  EXPECT_THAT(own(examples[0]).words, ElementsAre("Zoë", "(", "Köln", ")", "😀", "Berlin", "-", "based"));
  EXPECT_THAT(*own(examples[0]).entities, ElementsAre(kit::EntitySpan{0, 1, "who"}, kit::EntitySpan{2, 3, "place"},
                                                      kit::EntitySpan{5, 6, "place"}));
  EXPECT_TRUE(own(examples[1]).entities->empty());
}

TEST_F(Ner, ReadsSplitWordsFromJson) {
  const auto examples = read("a.jsonl", R"({"tokens": ["a", "b c", "d"], "tags": ["O", "B-x", "E-x"], "id": 7})");
  EXPECT_EQ(own(examples[0]).text, "a b c d");
  EXPECT_THAT(*own(examples[0]).entities, ElementsAre(kit::EntitySpan{1, 3, "x"}));
  EXPECT_EQ(parse_json(examples[0]->json()).at("id").as_int(), 7);
}

TEST_F(Ner, BadJsonSaysWhatAndWhere) {
  const auto marked = [](const std::string& entities) {
    return R"({"text": "Berlin-based dog", "entities": )" + entities + "}";
  };
  expect_read_error("a.jsonl", marked("[[0, 3, \"x\"]]"), {"a.jsonl:1: ", "'x' from 0 to 3", "'Berlin'", "widen"});
  expect_read_error("a.jsonl", marked("[[2, 6, \"x\"]]"), {"within the word 'Berlin'"});
  expect_read_error("a.jsonl", marked("[[0, 17, \"x\"]]"), {"0 to 17", "16 characters"});
  expect_read_error("a.jsonl", marked("[[-1, 6, \"x\"]]"), {"-1 to 6"});
  expect_read_error("a.jsonl", marked("[[6, 6, \"x\"]]"), {"no stretch"});
  expect_read_error("a.jsonl", marked("[[12, 13, \"x\"]]"), {"holds no word"});
  expect_read_error("a.jsonl", marked("[[0, 12, \"x\"], [7, 12, \"y\"]]"), {"'x' and 'y'", "'based'"});
  expect_read_error("a.jsonl", marked("[{\"start\": 0, \"stop\": 6, \"label\": \"x\"}]"), {"\"end\": 5"});
  expect_read_error("a.jsonl", marked("[[0, 6, 1]]"), {"[0, 6, 1]"});
  expect_read_error("a.jsonl", marked("{}"), {"'entities' is an object"});
  expect_read_error("a.jsonl", R"({"text": "x", "entites": []})", {"nearest: 'entites'"});
  expect_read_error("a.jsonl", R"({"tokens": ["a", " "], "tags": ["O", "O"]})", {"word 2", "empty"});
  expect_read_error("a.jsonl", R"({"tokens": ["a"], "tags": ["O", "O"]})", {"1 words and 2 tags"});
  expect_read_error("a.jsonl", R"({"tokens": ["a"], "tags": [3]})", {"tag 1", "B-person"});
  expect_read_error("a.jsonl", R"({"tokens": ["a"]})", {"'tags'"});
}

TEST_F(Ner, BordersWithinWordsCanBeWidened) {
  const auto widen = [](FakeOptions& data) {
    data.set("widen", true);
    data.set("split", "space");
  };
  const auto examples = read("a.jsonl", R"({"text": "a Berlin-based dog", "entities": [[2, 8, "x"]]})", widen);
  EXPECT_THAT(own(examples[0]).words, ElementsAre("a", "Berlin-based", "dog"));
  EXPECT_THAT(*own(examples[0]).entities, ElementsAre(kit::EntitySpan{1, 2, "x"}));
}

TEST_F(Ner, LabelMapRenamesAndDrops) {
  const auto map = [](FakeOptions& data) {
    data.set("label_map", std::map<std::string, std::string>{{"thing", "object"}, {"place", "O"}});
  };
  const auto examples = read("a.txt", kConll, map);
  EXPECT_THAT(*own(examples[0]).entities, ElementsAre(kit::EntitySpan{3, 5, "object"}));
}

TEST_F(Ner, TypesKeepsSomeOfThem) {
  const auto examples = read("a.txt", kConll, [](FakeOptions& data) {
    data.set("label_map", std::map<std::string, std::string>{{"thing", "object"}});
    data.set("types", std::vector<std::string>{"object", "event"});
  });
  EXPECT_THAT(*own(examples[0]).entities, ElementsAre(kit::EntitySpan{3, 5, "object"}));
  const auto json = read("a.jsonl", R"({"text": "Ann met Bo", "entities": [[0, 3, "x"], [8, 10, "y"]]})",
                         [](FakeOptions& data) { data.set("types", std::vector<std::string>{"y"}); });
  EXPECT_THAT(*own(json[0]).entities, ElementsAre(kit::EntitySpan{2, 3, "y"}));
}

TEST_F(Ner, LearnsAndScores) {
  const auto set = fitted("train.txt", kConll);
  EXPECT_EQ(task_->label(*set->examples[0]), "place\nthing\n");
  const auto head = task_->make_head(kEncoder);
  EXPECT_EQ(head->input(), HeadInput::kAllTokens);
  const auto [before, after] = test::train(*head, *set, kWidth, 60);
  EXPECT_NEAR(before, std::log(5.0), 0.3);  // O, B-place, I-place, B-thing, I-thing
  EXPECT_LT(after, 0.1 * before);
  const auto scores = set->evaluate(*task_, *head, kWidth);
  for (const char* name :
       {"precision", "recall", "f1", "f1_macro", "f1_weighted", "token_accuracy", "f1:place", "precision:thing"}) {
    EXPECT_EQ(scores.at(name).value, 1) << name;
  }
  EXPECT_TRUE(scores.at("f1").is_primary);
  const kit::Json answer = parse_json(set->predictions[0]->json());
  const kit::Json& entity = answer.at("prediction").as_array().at(1);
  EXPECT_EQ(entity.at("text").as_string(), "new token");
  EXPECT_EQ(entity.at("start").as_int(), 15);
  EXPECT_EQ(entity.at("end").as_int(), 24);
  EXPECT_EQ(entity.at("label").as_string(), "thing");
  EXPECT_GT(entity.at("probability").as_double(), 0.5);
  EXPECT_EQ(answer.at("predicted_tags").as_array().at(4).as_string(), "I-thing");
}

TEST_F(Ner, LinearLossIsCrossEntropyOverFirstTokens) {
  const auto set = fitted("train.txt", kConll);
  const auto head = task_->make_head(kEncoder);
  const test::FakeEncoded encoded(*set->batch, kWidth);
  const Outputs outputs = head->forward(encoded);
  const Loss loss = head->loss(outputs, *set->batch, LossDetail::kValues);
  EXPECT_EQ(loss.count, 13);  // words
  const at::Tensor expected =
      at::cross_entropy_loss(outputs.at("logits"), set->batch->field(kTag), {}, at::Reduction::Mean, -100);
  EXPECT_NEAR(loss.sum.item<double>() / loss.count, expected.item<double>(), 1e-6);
  EXPECT_TRUE(at::equal(loss.sequences, at::tensor({0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2}, at::kLong)));
  const at::Tensor logs = head->log_probabilities(outputs, *set->batch);
  const at::Tensor targets = head->targets(*set->batch);
  EXPECT_TRUE(at::equal(targets, set->batch->field(kTag).masked_select(set->batch->field(kTag).ge(0))));
  EXPECT_TRUE(at::allclose(-logs.gather(1, targets.unsqueeze(1)).squeeze(1), loss.values, 1e-5, 1e-6));
  const Loss sum = head->loss(outputs, *set->batch, LossDetail::kSum);
  EXPECT_NEAR(sum.sum.item<double>(), loss.sum.item<double>(), 1e-4);
  EXPECT_EQ(sum.count, loss.count);
  EXPECT_FALSE(sum.values.defined());
}

TEST_F(Ner, ACrfLearnsAndScores) {
  options_.set("head", "crf");
  options_.set("scheme", "iobes");
  const auto set = fitted("train.txt", kConll);
  const auto head = task_->make_head(kEncoder);
  EXPECT_EQ(head->named_parameters().find("transitions")->sizes(), (std::vector<std::int64_t>{9, 9}));
  const Loss loss = head->loss(head->forward(test::FakeEncoded(*set->batch, kWidth)), *set->batch, LossDetail::kValues);
  EXPECT_EQ(loss.count, 3);
  EXPECT_TRUE(at::equal(loss.sequences, at::tensor({0, 1, 2}, at::kLong)));
  EXPECT_NEAR(loss.values.sum().item<double>(), loss.sum.item<double>(), 1e-4);
  const auto [before, after] = test::train(*head, *set, kWidth, 60, 0.1);
  EXPECT_LT(after, 0.2 * before);
  const auto scores = set->evaluate(*task_, *head, kWidth);
  EXPECT_EQ(scores.at("f1").value, 1);
  EXPECT_EQ(scores.at("token_accuracy").value, 1);
  const kit::Json answer = parse_json(set->predictions[0]->json());
  EXPECT_EQ(answer.at("predicted_tags").as_array().at(4).as_string(), "E-thing");
  const double probability = answer.at("prediction").as_array().at(0).at("probability").as_double();
  EXPECT_GT(probability, 0.3);
  EXPECT_LE(probability, 1);
}

// A CRF of zero weights and a linear layer that is constrained to the scheme choose alike, and alike surely.
TEST_F(Ner, AFreshCrfIsAConstrainedLinearLayer) {
  options_.set("head", "crf");
  const auto set = fitted("train.txt", kConll);
  const auto crf = task_->make_head(kEncoder);
  set->evaluate(*task_, *crf, kWidth);
  const std::string expected = set->predictions[1]->json();
  options_.set("head", "linear");
  options_.set("constrain", true);
  const auto linear = task_->make_head(kEncoder);
  {
    const at::NoGradGuard no_grad;
    for (auto& parameter : linear->named_parameters()) {
      parameter.value().copy_(*crf->named_parameters().find(parameter.key()));
    }
  }
  set->evaluate(*task_, *linear, kWidth);
  EXPECT_EQ(set->predictions[1]->json(), expected);
}

TEST_F(Ner, LossesAreDifferentiatedRightly) {
  max_length_ = 6;  // windows, whose inner edges the CRF must leave open
  options_.set<std::int64_t>("stride", 1);
  for (const char* kind : {"linear", "crf"}) {
    options_.set("head", kind);
    const auto set = fitted("train.txt", kConll);
    EXPECT_GT(set->features.size(), 3U);
    const auto head = task_->make_head(kEncoder);
    head->to(at::kDouble);
    at::manual_seed(1);
    const at::Tensor logits = at::randn({set->batch->tokens(), 5}, at::kDouble).requires_grad_(true);
    const auto value = [&] { return head->loss({{"logits", logits}}, *set->batch, LossDetail::kSum).sum; };
    value().backward();
    const at::NoGradGuard no_grad;
    for (std::int64_t i = 0; i < logits.numel(); ++i) {
      at::Tensor entry = logits.view({-1})[i];
      const auto original = entry.item<double>();
      const auto at_value = [&](double v) {
        entry.fill_(v);
        return value().item<double>();
      };
      const double expected = (at_value(original + 1e-5) - at_value(original - 1e-5)) / 2e-5;
      entry.fill_(original);
      EXPECT_NEAR(logits.grad().view({-1})[i].item<double>(), expected, 1e-8) << kind;
    }
  }
}

TEST_F(Ner, WindowsArePutTogether) {
  std::string content;
  for (int i = 0; i < 6; ++i) content += "hello O\nunaffable O\nworld B-place\nnew B-thing\ntoken I-thing\nis O\n";
  for (const char* kind : {"linear", "crf"}) {
    options_.set("head", kind);
    max_length_ = 64;
    const auto whole = fitted("train.txt", content);
    ASSERT_EQ(whole->features.size(), 1U);
    const auto head = task_->make_head(kEncoder);
    test::train(*head, *whole, kWidth, 60, 0.1);
    max_length_ = 11;
    const auto cut = loaded(folder_.path() + "/train.txt");
    ASSERT_GT(cut->features.size(), 4U);
    EXPECT_EQ(whole->evaluate(*task_, *head, kWidth).at("f1").value, 1);
    EXPECT_EQ(cut->evaluate(*task_, *head, kWidth).at("f1").value, 1);
    // The encoder of this test sees no context, so that the windows' scores are the whole's.
    EXPECT_EQ(cut->predictions[0]->json(), whole->predictions[0]->json());
  }
}

TEST_F(Ner, NeighboursAreSeenWithinADocument) {
  options_.set<std::int64_t>("context", 4);
  const auto examples = read("a.txt", kConll);
  EXPECT_TRUE(own(examples[0]).before.empty());
  EXPECT_TRUE(own(examples[0]).after.empty());  // the next document begins there
  EXPECT_THAT(own(examples[1]).after, ElementsAre("quick", "fox", "jumped"));
  EXPECT_THAT(own(examples[2]).before, ElementsAre("dog", "over", "World", "."));
  const auto rows = read("a.jsonl", R"({"text": "a", "entities": [], "document": 1})"
                                    "\n"
                                    R"({"text": "b", "entities": [], "document": 1})"
                                    "\n"
                                    R"({"text": "c", "entities": [], "document": 2})"
                                    "\n"
                                    R"({"text": "d", "entities": []})"
                                    "\n"
                                    R"({"text": "e", "entities": []})");
  EXPECT_THAT(own(rows[0]).after, ElementsAre("b"));
  EXPECT_THAT(own(rows[1]).before, ElementsAre("a"));
  for (std::size_t i : {2U, 3U, 4U}) EXPECT_TRUE(own(rows[i]).before.empty() && own(rows[i]).after.empty());
}

TEST_F(Ner, PredictsWithoutTargets) {
  for (const char* kind : {"linear", "crf"}) {
    options_.set("head", kind);
    const auto set = fitted("train.txt", kConll + "\n😀 O\n: O\n\" O\n! O\n\nis O\n");
    const auto head = task_->make_head(kEncoder);
    test::train(*head, *set, kWidth, 80, 0.2);
    const kit::Json text = answer(*head, R"({"text": "😀: \"world\" is new token!"})");
    const auto& entities = text.at("prediction").as_array();
    ASSERT_EQ(entities.size(), 2U) << kit::dump_json(text);
    EXPECT_EQ(entities[0].at("start").as_int(), 4);  // characters, not bytes
    EXPECT_EQ(entities[0].at("end").as_int(), 9);
    EXPECT_EQ(entities[1].at("text").as_string(), "new token");
    EXPECT_EQ(text.find("predicted_tags"), nullptr);
    const kit::Json split = answer(*head, R"({"tokens": ["new", "\u200b", "token", "\u200b"]})");
    EXPECT_EQ(kit::dump_json(split.at("predicted_tags")), R"(["B-thing", "I-thing", "I-thing", "O"])");
    EXPECT_EQ(split.at("prediction").as_array().at(0).at("text").as_string(), "new \u200b token");
    for (const char* nothing :
         {R"({"text": ""})", R"({"text": " \n"})", R"({"tokens": []})", R"({"text": "\u200b"})"}) {
      EXPECT_TRUE(answer(*head, nothing).at("prediction").as_array().empty());
    }
  }
  expect_error(ErrorKind::kContent, {"in:1: ", "'text'", "nearest: 'txet'"},
               [&] { answer(*task_->make_head(kEncoder), R"({"txet": "a"})"); });
}

TEST_F(Ner, StrictnessDecidesWhatCountsAsAnEntity) {
  const auto set = fitted("train.txt", kConll);
  NerExample example(kit::Record(kit::Json(kit::Json::Object{}), {}));
  set_split_words(example, {"a", "b"});
  const auto tags = std::make_shared<const kit::TagSet>(kit::TagScheme::kIob2, kit::LabelSet::listed({"x"}));
  const WordScores scores{{0, 1}, {3, {0, 1, 2, 5, 0, 0}}};  // I-x O
  const auto lenient = predict(example, tags, scores, {}, false);
  ASSERT_EQ(lenient->entities().size(), 1U);
  EXPECT_NEAR(lenient->entities()[0].probability, std::exp(2) / (1 + std::exp(1) + std::exp(2)), 1e-12);
  EXPECT_TRUE(predict(example, tags, scores, {}, true)->entities().empty());
  EXPECT_THAT(predict(example, tags, scores, allowed_steps(*tags), false)->tags(), ElementsAre(1, 0));
}

TEST_F(Ner, MetricsOfPartsAddUp) {
  const auto set = fitted("train.txt", kConll);
  const auto head = task_->make_head(kEncoder);
  set->evaluate(*task_, *head, kWidth);
  const auto whole = task_->make_metric();
  const auto first = task_->make_metric();
  const auto second = task_->make_metric();
  for (std::size_t i = 0; i < 3; ++i) {
    whole->add(*set->examples[i], *set->predictions[i]);
    (i < 2 ? first : second)->add(*set->examples[i], *set->predictions[i]);
  }
  first->merge(second->state());
  EXPECT_EQ(first->state(), whole->state());
  const auto files = whole->files();
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].suffix, "conll");
  EXPECT_EQ(files[0].text.substr(0, 8), "hello\tO\t");
  EXPECT_EQ(std::count(files[0].text.begin(), files[0].text.end(), '\n'), 16);
  const auto empty = task_->make_metric();
  for (const Score& score : empty->result()) EXPECT_TRUE(std::isnan(score.value)) << score.name;
  NerExample unlabelled(kit::Record(kit::Json(kit::Json::Object{}), {"in", 2, 0}));
  expect_error(ErrorKind::kContent, {"in:2: ", "can't be scored"},
               [&] { empty->add(unlabelled, *set->predictions[0]); });
}

TEST_F(Ner, StateCarriesTheTypes) {
  const auto set = fitted("train.txt", kConll);
  const auto again = make();
  again->load_state(task_->save_state());
  EXPECT_EQ(again->save_state(), task_->save_state());
  EXPECT_EQ(again->make_head(kEncoder)->named_parameters().find("output.bias")->size(0), 5);
  expect_error(ErrorKind::kContent, {"'types'"}, [&] { again->load_state("{}"); });
}

TEST_F(Ner, OptionsAreCheckedTogether) {
  expect_error(ErrorKind::kContent, {"train.txt:2: ", "'place'"}, [&] {
    options_.set("labels", std::vector<std::string>{"thing", "plaec"});
    fitted("train.txt", "a O\nworld B-place\n");
  });
  options_.set("labels", std::vector<std::string>{});
  expect_error(ErrorKind::kContent, {"2 sentences have no entity"}, [&] { fitted("none.txt", "a O\n\nb O\n"); });
  options_.set("primary_metric", "f1:palce");
  expect_error(ErrorKind::kConfig, {"'f1:palce'", "nearest: 'f1:place'"}, [&] { fitted("train.txt", kConll); });
  options_.set("primary_metric", "f1_macro");
  options_.set("head", "crf");
  options_.set("subwords", "all");
  expect_error(ErrorKind::kConfig, {"subwords", "linear"}, [&] { fitted("train.txt", kConll); });
}

TEST_F(Ner, ExportsALinearLayerAndNoCrf) {
  fitted("train.txt", kConll);
  const ExportInfo info = task_->export_info();
  EXPECT_EQ(info.architecture, "BertForTokenClassification");
  EXPECT_FALSE(info.has_pooler);
  const kit::Json config = parse_json(info.config_json);
  EXPECT_EQ(config.at("id2label").at("2").as_string(), "I-place");
  EXPECT_EQ(config.at("label2id").at("B-thing").as_int(), 3);
  options_.set("head", "crf");
  EXPECT_EQ(task_->export_info().architecture, "");
}

}  // namespace
}  // namespace berth::ner
