// The classification plugin from its file to its scores, with an encoder that is a table.
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>

#include <cmath>

#include "berth/kit/json.h"
#include "plugins/classification/example.h"
#include "task_test.h"

namespace berth::classification {
namespace {

using kit::parse_json;
using test::expect_error;
using test::FakeOptions;
using testing::ElementsAre;

constexpr std::int64_t kWidth = 32;
const EncoderInfo kEncoder{kWidth, 2, test::FakeTokenizer::kVocabulary, 64, 0.0, 0.02};

std::string repeated(const std::string& header, const std::string& rows) { return header + rows + rows; }

const std::string kSentiment = repeated("text\tlabel\n",
                                        "a warm and funny film\tpos\nI loved it\tpos\nbest of the year\tpos\n"
                                        "dull from start to end\tneg\nI want my money back\tneg\n"
                                        "it runs for two hours\tneutral\n");

class Classification : public test::TaskTest {
 protected:
  Classification() : TaskTest(std::make_unique<test::FakeTokenizer>()) {}

  void expect_fit_error(const std::string& content, ErrorKind kind, std::initializer_list<std::string_view> parts) {
    expect_error(kind, parts, [&] { fitted("train.tsv", content); });
  }
};

TEST_F(Classification, LearnsOneLabelATextAndScoresIt) {
  const auto set = fitted("train.tsv", kSentiment);
  EXPECT_EQ(task_->fields().front().type, FieldType::kInt64);
  EXPECT_EQ(std::get<0>(set->features[0].fields.at("label")), std::vector<std::int64_t>{2});  // neg, neutral, pos
  const auto head = task_->make_head(kEncoder);
  EXPECT_EQ(head->input(), HeadInput::kPooled);
  const auto [before, after] = test::train(*head, *set, kWidth, 60);
  EXPECT_NEAR(before, std::log(3.0), 0.2);
  EXPECT_LT(after, 0.2 * before);
  const auto scores = set->evaluate(*task_, *head, kWidth);
  EXPECT_EQ(scores.at("accuracy").value, 1);
  EXPECT_EQ(scores.at("matthews").value, 1);
  EXPECT_TRUE(scores.at("accuracy").is_primary);
  EXPECT_FALSE(scores.at("f1_macro").is_primary);

  const kit::Json answer = parse_json(set->predictions.front()->json());
  EXPECT_EQ(answer.at("prediction").as_string(), "pos");
  double sum = 0;
  std::vector<std::string> names;
  for (const auto& [name, probability] : answer.at("probabilities").as_object()) {
    names.push_back(name);
    sum += probability.as_double();
  }
  EXPECT_THAT(names, ElementsAre("neg", "neutral", "pos"));
  EXPECT_NEAR(sum, 1, 1e-12);
}

TEST_F(Classification, ProbabilitiesAndLogProbabilitiesAreSoftmax) {
  const auto set = fitted("train.tsv", kSentiment);
  const auto head = task_->make_head(kEncoder);
  set->evaluate(*task_, *head, kWidth);
  const Outputs outputs = head->forward(test::FakeEncoded(*set->batch, kWidth));
  const at::Tensor logs = head->log_probabilities(outputs, *set->batch);
  ASSERT_EQ(logs.sizes(), outputs.at("logits").sizes());
  const at::Tensor expected = outputs.at("logits").to(at::kDouble).softmax(-1);
  EXPECT_LT((logs.exp() - expected).abs().max().item<double>(), 1e-6);
  const at::Tensor targets = head->targets(*set->batch);
  const Loss loss = head->loss(outputs, *set->batch, LossDetail::kValues);
  EXPECT_TRUE(at::allclose(-logs.gather(1, targets.unsqueeze(1)).squeeze(1), loss.values, 1e-5, 1e-6));
  const kit::Json answer = parse_json(set->predictions[3]->json());
  EXPECT_NEAR(answer.at("probabilities").at("pos").as_double(), expected[3][2].item<double>(), 1e-12);
}

TEST_F(Classification, HeadIsPoolerDropoutLinear) {
  const auto set = fitted("train.tsv", kSentiment);
  const auto head = task_->make_head(kEncoder);
  const auto parameters = head->named_parameters();
  ASSERT_EQ(parameters.size(), 2U);
  const at::Tensor& weight = *parameters.find("output.weight");
  const at::Tensor& bias = *parameters.find("output.bias");
  EXPECT_THAT(weight.sizes(), ElementsAre(3, kWidth));
  EXPECT_NEAR(weight.std().item<double>(), 0.02, 0.005);
  EXPECT_EQ(bias.abs().sum().item<double>(), 0);
  const test::FakeEncoded encoded(*set->batch, kWidth);
  head->eval();
  EXPECT_TRUE(at::allclose(head->forward(encoded).at("logits"), encoded.pooled().matmul(weight.t()) + bias));
}

TEST_F(Classification, DropoutIsTheEncodersUnlessSet) {
  const auto set = fitted("train.tsv", kSentiment);
  const test::FakeEncoded encoded(*set->batch, kWidth);
  const auto changes = [&](const EncoderInfo& encoder) {
    const auto head = task_->make_head(encoder);
    head->train();
    return !at::equal(head->forward(encoded).at("logits"), head->forward(encoded).at("logits"));
  };
  EncoderInfo with_dropout = kEncoder;
  with_dropout.dropout = 0.5;
  EXPECT_FALSE(changes(kEncoder));
  EXPECT_TRUE(changes(with_dropout));
  options_.set("dropout", 0.0);
  EXPECT_FALSE(changes(with_dropout));
  options_.set("dropout", 0.5);
  EXPECT_TRUE(changes(kEncoder));
}

TEST_F(Classification, LossIsWeightedAndSmoothed) {
  options_.set("class_weights", std::map<std::string, double>{{"pos", 0.5}, {"neutral", 3.0}});
  options_.set("label_smoothing", 0.1);
  const auto set = fitted("train.tsv", kSentiment);
  const auto head = task_->make_head(kEncoder);
  const Outputs outputs = head->forward(test::FakeEncoded(*set->batch, kWidth));
  const Loss loss = head->loss(outputs, *set->batch, LossDetail::kValues);
  const at::Tensor expected =
      at::cross_entropy_loss(outputs.at("logits"), set->batch->field("label"), at::tensor({1.0, 3.0, 0.5}, at::kFloat),
                             at::Reduction::Mean, -100, 0.1);
  EXPECT_NEAR(loss.sum.item<double>() / loss.count, expected.item<double>(), 1e-6);
  EXPECT_EQ(loss.values.numel(), 12);
}

TEST_F(Classification, FocalLossWeighsHardTextsMore) {
  const auto set = fitted("train.tsv", kSentiment);
  const at::Tensor logits = at::randn({set->batch->size(), 3}, at::kDouble);
  const auto loss = [&](double gamma) {
    options_.set("focal_gamma", gamma);
    const auto head = task_->make_head(kEncoder);
    return head->loss({{"logits", logits}}, *set->batch, LossDetail::kValues);
  };
  const at::Tensor plain = loss(0).values;
  const at::Tensor focal = loss(2).values;
  EXPECT_TRUE(at::allclose(focal, (1 - (-plain).exp()).square() * plain));
  EXPECT_EQ(loss(2).count, loss(0).count);
}

TEST_F(Classification, BalancedWeightsAreSklearns) {
  options_.set("balance_classes", true);
  fitted("train.tsv", kSentiment);
  const kit::Json state = parse_json(task_->save_state());
  // compute_class_weight("balanced"): 12 / (3 * [4, 2, 6])
  EXPECT_EQ(state.at("weights"), kit::Json(kit::Json::Array{1.0, 2.0, 12.0 / 18.0}));
}

TEST_F(Classification, StateCarriesLabelsAndWeights) {
  options_.set("balance_classes", true);
  const auto set = fitted("train.tsv", kSentiment);
  const auto reloaded = make();
  reloaded->load_state(task_->save_state());
  EXPECT_EQ(reloaded->save_state(), task_->save_state());
  const auto names = [](const Task& task) { return task.make_head(kEncoder)->named_parameters().keys(); };
  EXPECT_EQ(names(*reloaded), names(*task_));
  expect_error(ErrorKind::kContent, {"'labels'"}, [&] { reloaded->load_state("{}"); });
}

TEST_F(Classification, ListedLabelsKeepTheirOrderAndRefuseOthers) {
  options_.set("labels", std::vector<std::string>{"pos", "neg", "neutral"});
  const auto set = fitted("train.tsv", kSentiment);
  EXPECT_EQ(std::get<0>(set->features[0].fields.at("label")), std::vector<std::int64_t>{0});
  const std::string bad = folder_.write("bad.tsv", "text\tlabel\nfine\tpos\nawful\tnegg\n");
  expect_error(ErrorKind::kContent, {"bad.tsv:3: ", "'negg'", "nearest: 'neg'"}, [&] { loaded(bad); });
}

TEST_F(Classification, ReadsPairsFromCsv) {
  options_.set("truncation", "only_second");
  const auto set = fitted("train.csv", "premise,hypothesis,label\na b,c,x\n\"d, e\",f g,y\n", [](FakeOptions& data) {
    data.set("text", "premise");
    data.set("text_pair", "hypothesis");
  });
  EXPECT_THAT(set->features[1].encoding.segments, ElementsAre(0, 0, 0, 0, 1, 1, 1));
  EXPECT_EQ(static_cast<const test::FakeTokenizer&>(*tokenizer_).truncation, Truncation::kOnlySecond);
}

TEST_F(Classification, SeveralLabelsAText) {
  options_.set("kind", "multi-label");
  const std::string content = repeated("text\tlabel\n",
                                       "you fool\trude\ndie you fool\trude | threat\nhave a good day\t\n"
                                       "nice work\tkind\nnice fool\tkind|rude\n");
  const auto fill = [](FakeOptions& data) { data.set("separator", "|"); };
  const auto set = fitted("train.tsv", content, fill);
  EXPECT_EQ(task_->fields().front().width, 3);
  const at::Tensor logits = at::randn({set->batch->size(), 3});
  const at::Tensor plain =
      task_->make_head(kEncoder)->loss({{"logits", logits}}, *set->batch, LossDetail::kValues).values;
  options_.set("focal_gamma", 1.5);
  EXPECT_TRUE(
      at::allclose(task_->make_head(kEncoder)->loss({{"logits", logits}}, *set->batch, LossDetail::kValues).values,
                   (1 - (-plain).exp()).pow(1.5) * plain));
  options_.set("focal_gamma", 0.0);
  EXPECT_THAT(std::get<1>(set->features[1].fields.at("label")), ElementsAre(0, 1, 1));  // kind, rude, threat
  EXPECT_THAT(std::get<1>(set->features[2].fields.at("label")), ElementsAre(0, 0, 0));
  EXPECT_EQ(task_->label(*set->examples[4]), "kind\nrude");
  const auto head = task_->make_head(kEncoder);
  const auto [before, after] = test::train(*head, *set, kWidth, 200);
  EXPECT_NEAR(before, std::log(2.0), 0.1);
  const auto scores = set->evaluate(*task_, *head, kWidth);
  EXPECT_EQ(scores.at("accuracy").value, 1);
  EXPECT_TRUE(scores.at("f1_micro").is_primary);
  EXPECT_EQ(parse_json(set->predictions[1]->json()).at("prediction"), kit::Json(kit::Json::Array{"rude", "threat"}));
  EXPECT_TRUE(parse_json(set->predictions[2]->json()).at("prediction").as_array().empty());
  EXPECT_FALSE(head->log_probabilities({}, *set->batch).defined());
  EXPECT_FALSE(head->targets(*set->batch).defined());
  options_.set("threshold", 0.0);
  set->evaluate(*task_, *head, kWidth);
  EXPECT_EQ(parse_json(set->predictions[2]->json()).at("prediction").as_array().size(), 3U);
}

TEST_F(Classification, OneLabelYesOrNo) {
  options_.set("kind", "multi-label");
  const auto set =
      fitted("train.jsonl", "{\"text\": \"buy now\", \"label\": [\"spam\"]}\n{\"text\": \"see you\", \"label\": []}\n");
  const auto head = task_->make_head(kEncoder);
  test::train(*head, *set, kWidth, 100);
  EXPECT_EQ(set->evaluate(*task_, *head, kWidth).at("accuracy").value, 1);
}

TEST_F(Classification, BalancedSeveralLabelsWeighYesByNo) {
  options_.set("kind", "multi-label");
  options_.set("balance_classes", true);
  fitted("train.tsv", "text\tlabel\na\tx\nb\tx,y\nc\tx\nd\t\n");
  EXPECT_EQ(parse_json(task_->save_state()).at("weights"), kit::Json(kit::Json::Array{1.0 / 3.0, 3.0}));
}

TEST_F(Classification, Numbers) {
  options_.set("kind", "regression");
  const auto set = fitted("train.tsv", "text\tlabel\nvery good\t5\ngood\t4.0\nso so\t2.5\nbad\t-1e0\n");
  const auto head = task_->make_head(kEncoder);
  test::train(*head, *set, kWidth, 300, 0.02);
  const auto scores = set->evaluate(*task_, *head, kWidth);
  EXPECT_GT(scores.at("pearson").value, 0.99);
  EXPECT_TRUE(scores.at("pearson").is_primary);
  EXPECT_LT(scores.at("mse").value, 0.05);
  EXPECT_EQ(scores.at("mse").direction, Direction::kLowerIsBetter);
  const kit::Json answer = parse_json(set->predictions[0]->json());
  EXPECT_NEAR(answer.at("prediction").as_double(), 5, 0.5);
  EXPECT_EQ(answer.find("probabilities"), nullptr);
  EXPECT_EQ(task_->label(*set->examples[0]), "");
}

TEST_F(Classification, BadNumbersAndLabelsSayWhere) {
  const std::string file = folder_.write("bad.tsv", "text\tlabel\nx\thigh\n");
  options_.set("kind", "regression");
  expect_error(ErrorKind::kContent, {"bad.tsv:2: ", "'high'", "finite number"}, [&] { loaded(file); });
  options_.set("kind", "single-label");
  expect_fit_error("text\tlabel\nx\t \n", ErrorKind::kContent, {"train.tsv:2: ", "found nothing as label"});
  expect_error(ErrorKind::kContent, {"found an array", "kind = \"multi-label\""},
               [&] { fitted("a.jsonl", "{\"text\": \"x\", \"label\": [\"a\"]}\n"); });
}

TEST_F(Classification, LabelMapRenamesASetsLabels) {
  fitted("train.tsv", kSentiment);
  const std::string file = folder_.write(
      "other.csv", "text,label\nI loved it,4 stars\nbest of the year,5 stars\nI want my money back,neg\n");
  const auto fill = [](FakeOptions& data) {
    data.set("label_map", std::map<std::string, std::string>{{"4 stars", "pos"}, {"5 stars", "pos"}});
  };
  const auto set = loaded(file, fill);
  EXPECT_EQ(std::get<0>(set->features[1].fields.at("label")), std::vector<std::int64_t>{2});
  EXPECT_EQ(task_->label(*set->examples[0]), "pos");
  const auto head = task_->make_head(kEncoder);
  const auto train_set = loaded(folder_.path() + "/train.tsv");
  test::train(*head, *train_set, kWidth, 60);
  EXPECT_EQ(set->evaluate(*task_, *head, kWidth).at("accuracy").value, 1);
  expect_error(ErrorKind::kContent, {"other.csv:2: ", "'4 stars'", "label_map"}, [&] { loaded(file); });
}

TEST_F(Classification, PredictionMapScoresInTheSetsLabels) {
  const std::string train =
      "text\tlabel\na dog runs\tentailment\na cat sleeps\tneutral\nno one is here\tcontradiction\n";
  const auto train_set = fitted("train.tsv", train);
  const auto head = task_->make_head(kEncoder);
  test::train(*head, *train_set, kWidth, 60);
  const std::string file = folder_.write(
      "hans.tsv",
      "text\tlabel\na dog runs\tentailment\na cat sleeps\tnon-entailment\nno one is here\tnon-entailment\n");
  const auto map = [](const std::string& neutral) {
    return [neutral](FakeOptions& data) {
      data.set("prediction_map",
               std::map<std::string, std::string>{{neutral, "non-entailment"}, {"contradiction", "non-entailment"}});
    };
  };
  const auto set = loaded(file, map("neutral"));
  EXPECT_TRUE(set->features[0].fields.empty());  // no loss: "non-entailment" is no label of the task
  const auto scores = set->evaluate(*task_, *head, kWidth);
  EXPECT_EQ(scores.at("accuracy").value, 1);
  EXPECT_EQ(scores.at("f1_macro").value, 1);
  // The prediction itself keeps the task's labels.
  EXPECT_EQ(parse_json(set->predictions[1]->json()).at("prediction").as_string(), "neutral");

  expect_error(ErrorKind::kConfig, {"prediction_map", "'netral'", "nearest: 'neutral'"},
               [&] { loaded(file, map("netral")); });
  const std::string typo = folder_.write("typo.tsv", "text\tlabel\nx\tnonentailment\n");
  expect_error(ErrorKind::kContent, {"typo.tsv:2: ", "nearest: 'non-entailment'"},
               [&] { loaded(typo, map("neutral")); });
  expect_error(ErrorKind::kConfig, {"label_map"}, [&] { fitted("train.tsv", train, map("neutral")); });
}

TEST_F(Classification, ContradictoryOptionsAreRefused) {
  options_.set("class_weights", std::map<std::string, double>{{"psitive", 2.0}});
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"class_weights", "'psitive'"});
  options_.set("class_weights", std::map<std::string, double>{{"pos", -1.0}});
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"'pos' a weight below 0"});
  options_.set("class_weights", std::map<std::string, double>{{"pos", 2.0}});
  options_.set("balance_classes", true);
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"give one of them"});
  options_.set("balance_classes", false);
  options_.set("primary_metric", "f1_marco");
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"'f1_marco'", "nearest: 'f1_macro'"});
  options_.set("primary_metric", "f1");
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"`primary_metric`"});
  options_.set("positive_label", "pos");
  EXPECT_NO_THROW(fitted("train.tsv", kSentiment));
  options_.set("focal_gamma", 2.0);
  options_.set("label_smoothing", 0.1);
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"`focal_gamma` and `label_smoothing`"});
  options_.set("kind", "regression");
  options_.set("label_smoothing", 0.0);
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"`focal_gamma` needs labels"});
  options_.set("focal_gamma", 0.0);
  options_.set("kind", "multi-label");
  options_.set("label_smoothing", 0.1);
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"label_smoothing"});
  options_.set("label_smoothing", 0.0);
  options_.set("kind", "regression");
  options_.set("primary_metric", "auto");
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"regression", "no labels"});
}

TEST_F(Classification, APositiveLabelHasItsOwnScores) {
  options_.set("positive_label", "pos");
  options_.set("primary_metric", "f1");
  const auto set = fitted("train.tsv", kSentiment);
  const auto head = task_->make_head(kEncoder);
  test::train(*head, *set, kWidth, 60);
  const auto scores = set->evaluate(*task_, *head, kWidth);
  EXPECT_EQ(scores.at("f1").value, 1);
  EXPECT_TRUE(scores.at("f1").is_primary);
}

TEST_F(Classification, OneLabelAloneIsNothingToLearn) {
  expect_fit_error("text\tlabel\na\tx\nb\tx\n", ErrorKind::kContent, {"only the label 'x'", "right column"});
}

TEST_F(Classification, PredictsFromJsonWithoutLabels) {
  fitted("train.tsv", kSentiment);
  const auto reader = task_->make_reader();
  const auto example = reader->from_json(R"({"id": 3, "text": "I loved it"})", {"in.jsonl", 4, 0});
  test::CollectingSink sink;
  const test::FakeTokenizer tokenizer;
  task_->features(*example, {tokenizer, 64}, sink);
  EXPECT_TRUE(sink.features.at(0).fields.empty());
  EXPECT_EQ(example->where.line, 4);
  EXPECT_EQ(example->json(), R"({"id": 3, "text": "I loved it"})");
  expect_error(ErrorKind::kContent, {"in.jsonl:5: ", "'text'", "nearest: 'txt'"}, [&] {
    reader->from_json(R"({"txt": "x"})", {"in.jsonl", 5, 0});
  });
}

TEST_F(Classification, ExportsAsTransformersNamesIt) {
  fitted("train.tsv", kSentiment);
  const ExportInfo info = task_->export_info();
  EXPECT_EQ(info.architecture, "BertForSequenceClassification");
  EXPECT_TRUE(info.has_pooler);
  EXPECT_THAT(info.parameters, ElementsAre(std::pair("output.weight", "classifier.weight"),
                                           std::pair("output.bias", "classifier.bias")));
  EXPECT_EQ(info.config_json,
            R"({"id2label": {"0": "neg", "1": "neutral", "2": "pos"}, "label2id": {"neg": 0, "neutral": 1, "pos": 2}, )"
            R"("num_labels": 3, "problem_type": "single_label_classification"})");
}

TEST_F(Classification, CalibrationIsScoredAndTabled) {
  const auto set = fitted("train.tsv", kSentiment);
  const auto head = task_->make_head(kEncoder);
  {
    const at::NoGradGuard no_grad;
    head->named_parameters().find("output.weight")->zero_();
  }
  const auto scores = set->evaluate(*task_, *head, kWidth);
  // All labels are equally likely, the first is answered: right in 4 of 12.
  EXPECT_NEAR(scores.at("ece").value, 0, 1e-12);
  EXPECT_NEAR(scores.at("brier").value, 2.0 / 3, 1e-12);
  EXPECT_NEAR(scores.at("nll").value, std::log(3.0), 1e-12);
  EXPECT_EQ(scores.at("nll").direction, Direction::kLowerIsBetter);
}

TEST_F(Classification, TheTemperatureIsChosenOnDevAndKept) {
  options_.set("calibrate", true);
  const auto set = fitted("train.tsv", kSentiment);
  EXPECT_EQ(parse_json(task_->save_state()).at("temperature"), kit::Json(1.0));
  const auto head = task_->make_head(kEncoder);
  const auto before = set->evaluate(*task_, *head, kWidth);
  const auto metric = task_->make_metric();
  for (std::size_t i = 0; i < set->examples.size(); ++i) metric->add(*set->examples[i], *set->predictions[i]);
  const auto merged = task_->make_metric();
  merged->merge(metric->state());
  EXPECT_EQ(merged->state(), metric->state());
  task_->tune(*merged);
  const auto after = set->evaluate(*task_, *head, kWidth);
  EXPECT_LT(after.at("nll").value, before.at("nll").value);
  EXPECT_EQ(after.at("accuracy").value, before.at("accuracy").value);
  const double temperature = parse_json(task_->save_state()).at("temperature").as_double();
  EXPECT_NE(temperature, 1);
  EXPECT_EQ(parse_json(task_->export_info().config_json).at("calibration_temperature").as_double(), temperature);
  task_->load_state(R"({"labels": ["neg", "neutral", "pos"], "weights": []})");  // from before there was one
  EXPECT_EQ(parse_json(task_->save_state()).at("temperature"), kit::Json(1.0));
  options_.set("primary_metric", "nll");
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"`primary_metric`"});
  options_.set("calibrate", false);
  EXPECT_NO_THROW(fitted("train.tsv", kSentiment));
  options_.set("calibrate", true);
  options_.set("primary_metric", "auto");
  options_.set("kind", "regression");
  expect_fit_error(kSentiment, ErrorKind::kConfig, {"`calibrate` needs labels"});
}

TEST_F(Classification, EveryOptionHasHelp) {
  const auto reader = task_->make_reader();
  FakeOptions data;
  reader->describe(data);
  for (const auto* options : {&options_, &data}) {
    for (const auto& [name, field] : options->fields()) EXPECT_FALSE(field.help.empty()) << name;
  }
}

}  // namespace
}  // namespace berth::classification
