// The seq2seq plugin's head: its losses against formulas and numeric gradients, and its search against the loss.
#include <gmock/gmock.h>

#include <cmath>

#include "plugins/seq2seq/head.h"
#include "plugins/seq2seq/steps.h"
#include "plugins/seq2seq/target_code.h"
#include "seq2seq_support.h"
#include "tests/unit/model/gradients.h"

namespace berth::seq2seq {
namespace {

constexpr std::int64_t kWidth = 8;
constexpr std::int64_t kClasses = 7;  // 0 begins, 1 ends, 2 is unknown

// One source with what its tokens can be copied as, and its target.
struct Row {
  std::vector<std::int64_t> copy_ids;
  std::vector<std::int64_t> target;
};

// Ids from 7 on are words that the vocabulary lacks. The second source has nothing to copy.
const std::vector<Row> kRows = {
    {{-1, 7, 7, 4, 8, 4, -1}, {4, 8, 3, 7, 1}}, {{-1, -1}, {5, 1}}, {{-1, 5, 7, -1}, {7, 7, 1}}};

std::unique_ptr<Batch> batch_of(const std::vector<Row>& rows, Kind kind) {
  std::vector<FieldSpec> fields = {{"target", FieldType::kInt64, FieldShape::kRagged}};
  if (kind != Kind::kGenerator) {
    fields.push_back({"copy_id", FieldType::kInt64, FieldShape::kPerToken, 1, FieldRole::kInput});
  }
  std::vector<Feature> features;
  for (const Row& row : rows) {
    Feature feature;
    feature.encoding.ids.assign(row.copy_ids.size(), 5);
    feature.encoding.segments.assign(row.copy_ids.size(), 0);
    std::vector<std::int64_t> target = row.target;
    if (kind == Kind::kGenerator) {
      for (std::int64_t& id : target) id = std::min(id, kClasses - 1);
    } else {
      feature.fields["copy_id"] = row.copy_ids;
    }
    feature.fields["target"] = target;
    features.push_back(std::move(feature));
  }
  return test::pack(features, fields);
}

HeadOptions options_of(Kind kind) {
  HeadOptions o;
  o.decoder = {kWidth, 2, 2, 12, NormPlace::kPost, 0};
  o.embedding.width = kWidth;
  o.embedding.classes = kClasses;
  o.embedding.positions = 12;
  o.embedding.unknown = 2;
  o.embedding.reads_source = kind != Kind::kGenerator;
  o.embedding.deviation = 0.5;
  o.output = {kind, kWidth, kClasses, false};
  o.search.max_length = 9;
  o.search.begin = 0;
  o.search.end = 1;
  o.search.banned = {0, 2};
  return o;
}

std::shared_ptr<Seq2SeqHead> head_of(const HeadOptions& options, at::ScalarType dtype = at::kDouble) {
  at::manual_seed(11);
  auto head = std::make_shared<Seq2SeqHead>(options);
  head->to(dtype);
  return head;
}

constexpr Kind kKinds[] = {Kind::kGenerator, Kind::kPointerGenerator, Kind::kPointer};

double worst_gradient(const HeadOptions& options) {
  const auto batch = batch_of(kRows, options.output.kind);
  const test::LeafEncoded encoded(*batch, kWidth);
  const auto head = head_of(options);
  std::vector<at::Tensor> inputs = head->parameters();
  inputs.push_back(encoded.hidden());
  return berth::testing::gradient_error(
      [&] { return head->loss(head->forward(encoded), *batch, LossDetail::kSum).sum; }, inputs, 13);
}

TEST(Seq2SeqLoss, GradientsAreTheNumericOnes) {
  for (const Kind kind : kKinds) EXPECT_LT(worst_gradient(options_of(kind)), 1e-7) << static_cast<int>(kind);
}

TEST(Seq2SeqLoss, SoAreThoseOfItsOptions) {
  for (const Kind kind : kKinds) {
    HeadOptions o = options_of(kind);
    o.decoder.layers = 1;
    o.decoder.norm = NormPlace::kPre;
    o.embedding.positions = 0;
    o.output.has_transform = true;
    o.loss.label_smoothing = 0.1;
    if (kind != Kind::kGenerator) o.loss.coverage = 0.7;
    EXPECT_LT(worst_gradient(o), 1e-7) << static_cast<int>(kind);
  }
}

TEST(Seq2SeqLoss, TiedEmbeddingsLearnToo) {
  for (const Kind kind : {Kind::kGenerator, Kind::kPointerGenerator}) {
    HeadOptions o = options_of(kind);
    at::manual_seed(2);
    const at::Tensor table = at::randn({kClasses, kWidth}, at::kDouble).mul_(0.5).requires_grad_(true);
    o.embedding.tied = table;
    const auto batch = batch_of(kRows, kind);
    const test::LeafEncoded encoded(*batch, kWidth);
    const auto head = head_of(o);
    EXPECT_EQ(head->named_parameters().find("embedding.words.weight"), nullptr);  // the encoder saves it
    const double error = berth::testing::gradient_error(
        [&] { return head->loss(head->forward(encoded), *batch, LossDetail::kSum).sum; }, {table});
    EXPECT_LT(error, 1e-7);
    EXPECT_GT(table.grad().abs().max().item<double>(), 1e-3);
  }
}

// The output layer once more in plain probabilities, token by token.
TEST(Seq2SeqOutput, IsTheMixtureOfThePaper) {
  for (const Kind kind : {Kind::kPointerGenerator, Kind::kPointer}) {
    const auto batch = batch_of(kRows, kind);
    at::manual_seed(8);
    OutputLayer layer({kind, kWidth, kClasses, false});
    layer.to(at::kDouble);
    const auto parameters = layer.named_parameters();
    const at::Tensor hidden = at::randn({batch->tokens(), kWidth}, at::kDouble);
    const at::Tensor words = at::randn({kClasses, kWidth}, at::kDouble);
    const Layout sources = Layout::ragged(batch->offsets());
    Source source;
    source.hidden = sources.pad(hidden);
    source.mask = sources.mask();
    source.copy_ids = sources.pad(batch->field("copy_id") + 1) - 1;
    source.copy_keys = layer.copy_keys(hidden, sources);
    const Layout rows = Layout::ragged(batch->field_offsets("target"));
    const at::Tensor states = at::randn({rows.rows(), kWidth}, at::kDouble);
    const at::Tensor inputs = at::randn({rows.rows(), kWidth}, at::kDouble);
    const OutputParts parts = layer.parts({states, inputs, rows, source, words});
    const at::Tensor copy_ids = source.copy_ids.index_select(0, rows.sequence_of_rows());
    const at::Tensor all = all_log_probabilities(parts, copy_ids, 2).exp();
    EXPECT_TRUE(at::allclose(all.sum(1), at::ones({rows.rows()}, at::kDouble)));

    const at::Tensor targets = batch->field("target");
    const at::Tensor found = log_probability_of(parts, targets, copy_ids);
    for (std::int64_t m = 0; m < rows.rows(); ++m) {
      const auto b = rows.sequence_of_rows()[m].item<std::int64_t>();
      const at::Tensor logits = at::mv(words, states[m]) + parameters["bias"];
      const at::Tensor query = at::mv(parameters["query.weight"], states[m]) + parameters["query.bias"];
      const at::Tensor scores =
          at::mv(at::matmul(source.hidden[b], parameters["key.weight"].t()), query) / std::sqrt(kWidth);
      const at::Tensor can_copy = source.copy_ids[b].ge(0);
      at::Tensor generated;
      at::Tensor copied;
      const at::Tensor weights = scores.exp() * can_copy;
      if (kind == Kind::kPointer) {
        const at::Tensor sum = logits.exp().sum() + weights.sum();
        generated = logits.exp() / sum;
        copied = weights / sum;
      } else if (!can_copy.any().item<bool>()) {
        generated = logits.softmax(0);
        copied = at::zeros_like(scores);
      } else {
        const at::Tensor attention = weights / weights.sum();
        const at::Tensor context = at::mv(source.hidden[b].t(), attention);
        const at::Tensor gate =
            at::sigmoid(at::dot(parameters["gate.weight"][0], at::cat({states[m], context, inputs[m]})) +
                        parameters["gate.bias"][0]);
        generated = gate * logits.softmax(0);
        copied = (1 - gate) * attention;
      }
      for (std::int64_t id = 0; id < kClasses + 2; ++id) {
        double expected = id < kClasses ? generated[id].item<double>() : 0;
        for (std::int64_t i = 0; i < scores.size(0); ++i) {
          if (source.copy_ids[b][i].item<std::int64_t>() == id) expected += copied[i].item<double>();
        }
        EXPECT_NEAR(all[m][id].item<double>(), expected, 1e-12) << m << " " << id;
        if (id == targets[m].item<std::int64_t>()) {
          EXPECT_NEAR(found[m].item<double>(), std::log(expected), 1e-10);
        }
      }
    }
  }
}

TEST(Seq2SeqOutput, OriginsAreTheLikeliestSource) {
  OutputParts parts;
  parts.vocabulary = at::log(at::tensor({0.5, 0.1, 0.01, 0.09}, at::kDouble).view({2, 2}));
  parts.copies = at::log(at::tensor({0.1, 0.2, 0.1, 0.2, 0.3, 0.4}, at::kDouble).view({2, 3}));
  const at::Tensor copy_ids = at::tensor({0, 1, 0, 2, 0, 2}, at::kLong).view({2, 3});
  const auto origin = [&](std::int64_t row, std::int64_t id) {
    return origins_of(parts, copy_ids, at::tensor({row}, at::kLong), at::tensor({id}, at::kLong)).item<std::int64_t>();
  };
  EXPECT_EQ(origin(0, 0), -1);  // 0.5 against 0.1 + 0.1
  EXPECT_EQ(origin(0, 1), 1);   // 0.1 against 0.2
  EXPECT_EQ(origin(1, 2), 2);   // beyond the vocabulary; the third more than the first
  EXPECT_EQ(origin(1, 1), -1);
}

TEST(Seq2SeqLoss, CoverageIsWhatWasLookedAtBefore) {
  const at::Tensor attention = at::tensor({0.5, 0.5, 0.9, 0.1, 0.2, 0.8, 1.0, 0.0}, at::kDouble).view({4, 2});
  const Layout layout = Layout::ragged(at::tensor({0, 3, 4}, at::kLong));
  // 0; min(.9, .5) + min(.1, .5); min(.2, 1.4) + min(.8, .6); another sequence: 0
  EXPECT_TRUE(at::allclose(coverage_of(attention, layout), at::tensor({0.0, 0.6, 0.8, 0.0}, at::kDouble)));
}

TEST(Seq2SeqLoss, IsASumOverTokensWithTheirNumber) {
  HeadOptions o = options_of(Kind::kPointerGenerator);
  o.loss = {0.2, 0.5};
  const auto batch = batch_of(kRows, Kind::kPointerGenerator);
  const test::LeafEncoded encoded(*batch, kWidth);
  const auto head = head_of(o);
  const Outputs outputs = head->forward(encoded);
  for (const auto& [name, tensor] : outputs) EXPECT_EQ(tensor.size(0), batch->size()) << name;
  const Loss loss = head->loss(outputs, *batch, LossDetail::kValues);
  EXPECT_EQ(loss.count, 10);
  EXPECT_NEAR(loss.values.sum().item<double>(), loss.sum.item<double>(), 1e-12);
  EXPECT_TRUE(at::equal(loss.sequences, at::tensor({0, 0, 0, 0, 0, 1, 1, 2, 2, 2}, at::kLong)));
  EXPECT_FALSE(head->loss(outputs, *batch, LossDetail::kSum).values.defined());
  EXPECT_FALSE(head->log_probabilities(outputs, *batch).defined());
  EXPECT_FALSE(head->targets(*batch).defined());
}

TEST(Seq2SeqLoss, LogProbabilitiesOfAGeneratorAreItsLoss) {
  const auto batch = batch_of(kRows, Kind::kGenerator);
  const test::LeafEncoded encoded(*batch, kWidth);
  const auto head = head_of(options_of(Kind::kGenerator));
  const Outputs outputs = head->forward(encoded);
  const at::Tensor table = head->log_probabilities(outputs, *batch);
  ASSERT_EQ(table.size(1), kClasses);
  const at::Tensor picked = table.gather(1, head->targets(*batch).unsqueeze(1)).squeeze(1);
  EXPECT_TRUE(at::allclose(-picked, head->loss(outputs, *batch, LossDetail::kValues).values));
}

// A sequence's loss is the same whatever stands beside it.
TEST(Seq2SeqLoss, PaddingIsNoPartOfIt) {
  for (const Kind kind : kKinds) {
    const auto head = head_of(options_of(kind));
    const auto batch = batch_of(kRows, kind);
    const test::LeafEncoded together(*batch, kWidth);
    const at::Tensor values = head->loss(head->forward(together), *batch, LossDetail::kValues).values;
    const at::Tensor offsets = batch->field_offsets("target");
    for (std::int64_t b = 0; b < batch->size(); ++b) {
      const auto one = batch_of({kRows[static_cast<std::size_t>(b)]}, kind);
      test::LeafEncoded alone(*one, kWidth);
      const at::NoGradGuard no_grad;
      const auto begin = batch->offsets()[b].item<std::int64_t>();
      alone.hidden().copy_(together.hidden().slice(0, begin, begin + one->tokens()));
      const at::Tensor expected = head->loss(head->forward(alone), *one, LossDetail::kValues).values;
      EXPECT_TRUE(at::allclose(values.slice(0, offsets[b].item<std::int64_t>(), offsets[b + 1].item<std::int64_t>()),
                               expected, 1e-9, 1e-12));
    }
  }
}

TEST(Seq2SeqLoss, ExtremeWeightsStayFiniteInFloat32) {
  for (const Kind kind : kKinds) {
    HeadOptions o = options_of(kind);
    o.loss.label_smoothing = 0.1;
    const auto head = head_of(o, at::kFloat);
    {
      const at::NoGradGuard no_grad;
      for (at::Tensor& parameter : head->parameters()) parameter.mul_(300);
    }
    const auto batch = batch_of(kRows, kind);
    const test::FakeEncoded encoded(*batch, kWidth);
    const Loss loss = head->loss(head->forward(encoded), *batch, LossDetail::kSum);
    EXPECT_TRUE(std::isfinite(loss.sum.item<double>())) << loss.sum;
    loss.sum.backward();
    for (const auto& parameter : head->named_parameters()) {
      if (!parameter.value().grad().defined()) continue;
      EXPECT_TRUE(parameter.value().grad().isfinite().all().item<bool>()) << parameter.key();
    }
  }
}

TEST(Seq2SeqLoss, DropoutIsOnlyForTraining) {
  HeadOptions o = options_of(Kind::kPointerGenerator);
  o.decoder.dropout = 0.3;
  o.embedding.dropout = 0.3;
  const auto head = head_of(o);
  const auto batch = batch_of(kRows, Kind::kPointerGenerator);
  const test::LeafEncoded encoded(*batch, kWidth);
  const auto value = [&] { return head->loss(head->forward(encoded), *batch, LossDetail::kSum).sum.item<double>(); };
  head->train();
  EXPECT_NE(value(), value());
  head->eval();
  EXPECT_EQ(value(), value());
}

// Computes each step anew from all tokens so far, without a cache.
class UncachedSteps final : public StepModel {
 public:
  UncachedSteps(const StepParts& parts, Source source) : parts_(parts), source_(std::move(source)) {}

  at::Tensor step(const at::Tensor& tokens, const at::Tensor& parents) override {
    history_ =
        parents.defined() ? at::cat({history_.index_select(0, parents), tokens.unsqueeze(1)}, 1) : tokens.unsqueeze(1);
    const std::int64_t rows = tokens.size(0);
    const std::int64_t length = history_.size(1);
    beams_ = rows / source_.mask.size(0);
    const Source each = source_.select(at::arange(source_.mask.size(0), at::kLong).repeat_interleave(beams_));
    const Layout layout = Layout::uniform(rows, length);
    const at::Tensor x = parts_.embedding.forward(history_.reshape({-1}), layout.positions(), layout, each);
    const at::Tensor states = parts_.decoder.forward(x, layout, each);
    const OutputParts out = parts_.output.parts({states, x, layout, each, parts_.embedding.weight()});
    const at::Tensor last = at::arange(rows, at::kLong) * length + (length - 1);
    const auto pick = [&](const at::Tensor& t) { return t.defined() ? t.index_select(0, last) : t; };
    last_ = {pick(out.vocabulary), pick(out.generate), pick(out.copies), {}};
    copy_ids_ = each.copy_ids;
    return all_log_probabilities(last_, copy_ids_, copy_ids_.defined() ? 2 : 0);
  }
  at::Tensor origins(const at::Tensor& rows, const at::Tensor& tokens) override {
    return origins_of(last_, copy_ids_, rows, tokens);
  }
  void keep(const at::Tensor& sequences) override {
    source_ = source_.select(sequences);
    history_ = history_.view({-1, beams_, history_.size(1)}).index_select(0, sequences).flatten(0, 1);
  }

 private:
  StepParts parts_;
  Source source_;
  at::Tensor history_;
  at::Tensor copy_ids_;
  OutputParts last_;
  std::int64_t beams_ = 1;
};

// The head's parts by themselves, with a batch of random sources.
struct Parts {
  Parts(Kind kind, NormPlace norm, at::ScalarType dtype) {
    HeadOptions o = options_of(kind);
    o.decoder.norm = norm;
    o.embedding.positions = norm == NormPlace::kPre ? 41 : 0;  // learned, and sinusoids
    at::manual_seed(21);
    embedding = std::make_shared<TargetEmbedding>(o.embedding);
    decoder = std::make_shared<Decoder>(o.decoder);
    output = std::make_shared<OutputLayer>(o.output);
    for (torch::nn::Module* module :
         std::initializer_list<torch::nn::Module*>{embedding.get(), decoder.get(), output.get()}) {
      module->eval();
      module->to(dtype);
    }
    const at::Tensor offsets = at::tensor({0, 7, 9, 15, 20, 24, 33}, at::kLong);
    const Layout layout = Layout::ragged(offsets);
    const at::Tensor hidden = at::randn({33, kWidth}).to(dtype);
    source.hidden = layout.pad(hidden);
    source.mask = layout.mask();
    source.layers = decoder->remember(hidden, layout);
    if (kind == Kind::kGenerator) return;
    source.copy_ids = layout.pad(at::randint(2, 10, {33}, at::kLong)) - 1;  // -1 on padding, 1 to 8 elsewhere
    source.copy_ids.masked_fill_(source.copy_ids.le(2), -1);
    source.copy_keys = output->copy_keys(hidden, layout);
  }
  StepParts view() const { return {*embedding, *decoder, *output}; }

  std::shared_ptr<TargetEmbedding> embedding;
  std::shared_ptr<Decoder> decoder;
  std::shared_ptr<OutputLayer> output;
  Source source;
};

TEST(Seq2SeqSteps, CachedIsUncached) {
  const at::NoGradGuard no_grad;
  for (const Kind kind : kKinds) {
    for (const NormPlace norm : {NormPlace::kPost, NormPlace::kPre}) {
      for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
        const Parts parts(kind, norm, dtype);
        for (const std::int64_t beams : {1, 3}) {
          SearchOptions o = options_of(kind).search;
          o.beams = beams;
          o.min_length = 20;  // past the places that a cache starts with
          o.max_length = 40;
          DecoderSteps cached(parts.view(), parts.source);
          UncachedSteps uncached(parts.view(), parts.source);
          const auto found = search(cached, 6, o);
          const auto expected = search(uncached, 6, o);
          std::size_t longest = 0;
          for (std::size_t i = 0; i < found.size(); ++i) {
            EXPECT_EQ(found[i].tokens, expected[i].tokens);
            EXPECT_EQ(found[i].origins, expected[i].origins);
            EXPECT_NEAR(found[i].score, expected[i].score, dtype == at::kFloat ? 1e-5 : 1e-12);
            longest = std::max(longest, found[i].tokens.size());
          }
          EXPECT_GE(longest, 20U);
        }
      }
    }
  }
}

// What predict() calls an answer's score is the loss of that answer as a target.
TEST(Seq2SeqSteps, AScoreIsALoss) {
  for (const Kind kind : kKinds) {
    for (const std::int64_t beams : {1, 4}) {
      HeadOptions o = options_of(kind);
      o.search.beams = beams;
      const auto head = head_of(o);
      head->eval();
      const auto batch = batch_of(kRows, kind);
      const test::LeafEncoded encoded(*batch, kWidth);
      const Outputs answers = head->predict(encoded);
      ASSERT_EQ(answers.at("tokens").sizes(), answers.at("origins").sizes());
      std::vector<Row> said = kRows;
      for (std::int64_t b = 0; b < batch->size(); ++b) {
        const at::Tensor tokens = answers.at("tokens")[b];
        said[static_cast<std::size_t>(b)].target.clear();
        for (std::int64_t i = 0; i < tokens.numel() && tokens[i].item<std::int64_t>() >= 0; ++i) {
          said[static_cast<std::size_t>(b)].target.push_back(tokens[i].item<std::int64_t>());
        }
        said[static_cast<std::size_t>(b)].target.push_back(1);
      }
      const auto repeated = batch_of(said, kind);
      const test::LeafEncoded same(*repeated, kWidth);  // the same hidden states, by its seed
      const at::Tensor score = head->forward(same).at("log_probability").sum(1);
      EXPECT_TRUE(at::allclose(score, answers.at("score"), 1e-9, 1e-9)) << score << answers.at("score");
    }
  }
}

TEST(Seq2SeqSteps, PredictsWithoutTargets) {
  Feature feature;
  feature.encoding.ids = {5, 5, 5};
  feature.encoding.segments = {0, 0, 0};
  feature.fields["copy_id"] = std::vector<std::int64_t>{-1, 9, -1};
  const auto batch =
      test::pack({feature}, {{"target", FieldType::kInt64, FieldShape::kRagged},
                             {"copy_id", FieldType::kInt64, FieldShape::kPerToken, 1, FieldRole::kInput}});
  const test::LeafEncoded encoded(*batch, kWidth);
  const auto head = head_of(options_of(Kind::kPointerGenerator));
  head->eval();
  EXPECT_EQ(head->predict(encoded).at("tokens").size(0), 1);
}

TEST(Seq2SeqLayout, PacksAndPads) {
  const Layout ragged = Layout::ragged(at::tensor({0, 2, 3}, at::kLong));
  const at::Tensor x = at::tensor({1, 2, 3}, at::kLong);
  EXPECT_TRUE(at::equal(ragged.pad(x), at::tensor({1, 2, 3, 0}, at::kLong).view({2, 2})));
  EXPECT_TRUE(at::equal(ragged.pack(ragged.pad(x)), x));
  EXPECT_TRUE(at::equal(ragged.positions(), at::tensor({0, 1, 0}, at::kLong)));
  EXPECT_TRUE(at::equal(ragged.sequence_of_rows(), at::tensor({0, 0, 1}, at::kLong)));
  EXPECT_TRUE(at::equal(ragged.mask(), at::tensor({1, 1, 1, 0}, at::kLong).view({2, 2}).to(at::kBool)));
  const Layout uniform = Layout::uniform(2, 2);
  const at::Tensor y = at::arange(4, at::kLong);
  EXPECT_TRUE(at::equal(uniform.pack(uniform.pad(y)), y));
  EXPECT_EQ(uniform.rows(), 4);
}

}  // namespace
}  // namespace berth::seq2seq
