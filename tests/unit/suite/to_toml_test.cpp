// What to_toml() writes reads back as the same suite: for suites drawn at random, and for texts broken at random never
// anything but a suite or an Error.
#include <gmock/gmock.h>

#include <limits>
#include <random>

#include "core/suite/toml_writer.h"
#include "suite_fixture.h"

namespace berth::suite {
namespace {

class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}

  std::int64_t integer(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool coin() { return integer(0, 1) == 1; }
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }

  std::string text() {
    static const std::vector<std::string> kPieces = {
        "a",  "Z", "0", " ",  "\"", "\\", "'",  "\n",   "\t", "\r",           "#",    "=",    "[", "{",
        "${", "$", "é", "中", "😀",  ".",  "\b", "\x01", "]]", "\xEF\xBB\xBF", "\x7f", "u0041"};
    std::string result;
    for (auto n = integer(0, 8); n > 0; --n) {
      result += kPieces[static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(kPieces.size()) - 1))];
    }
    return result;
  }
  std::string name() {
    static const std::string kLetters = "abcXYZ019_-";
    std::string result;
    for (auto n = integer(1, 6); n > 0; --n) {
      result += kLetters[static_cast<std::size_t>(integer(0, static_cast<std::int64_t>(kLetters.size()) - 1))];
    }
    return result;
  }
  std::filesystem::path path() { return std::filesystem::path("/" + name() + "/" + text() + "x").lexically_normal(); }

  ConfigValue value(int depth) {
    switch (integer(0, depth > 0 ? 5 : 3)) {
      case 0:
        return {coin(), {}};
      case 1:
        return {coin() ? integer(-5, 5)
                       : integer(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()),
                {}};
      case 2:
        return {coin() ? real(-1, 1) : std::ldexp(real(-1, 1), static_cast<int>(integer(-1070, 1020))), {}};
      case 3:
        return {text(), {}};
      case 4: {
        ConfigArray array;
        for (auto n = integer(0, 4); n > 0; --n) array.values.push_back(value(depth - 1));
        return {array, {}};
      }
      default:
        return {table(depth - 1), {}};
    }
  }
  ConfigTable table(int depth) {
    ConfigTable table;
    for (auto n = integer(0, 4); n > 0; --n) {
      const auto key = coin() ? name() : text();
      if (table.find(key) == nullptr) table.entries.push_back({key, value(depth)});
    }
    return table;
  }
  DataSetConfig set(const std::string& set_name) { return {set_name, path(), table(4), {}}; }

  TaskConfig task(const std::string& task_name) {
    TaskConfig task;
    task.name = task_name;
    task.plugin = "p" + text();
    task.train = set("train");
    if (coin()) {
      task.dev = set("dev");
    } else {
      task.split = real(0, 1);
    }
    task.shuffle_buffer = integer(1, 1'000'000);
    task.weight = real(0.1, 4);
    if (coin()) task.head_rate = real(1e-9, 1);
    if (coin()) task.head_warmup = real(0, 1);
    for (auto n = integer(0, 3); n > 0; --n) task.sets.push_back(set("set" + std::to_string(n)));
    task.options = table(4);
    return task;
  }

  Suite suite() {
    Suite s;
    s.name = "n" + name();
    s.model.path = path();
    s.model.max_length = integer(3, 512);
    if (coin()) s.model.dropout = real(0, 1);
    if (coin()) s.model.attention_dropout = real(0, 1);
    s.model.frozen_dropout = coin();
    s.model.precision = coin() ? Precision::kFloat32 : coin() ? Precision::kFloat64 : Precision::kBFloat16;
    s.model.device = coin() ? "auto" : "cuda:1";
    s.training = {coin() ? Preset::kNone : Preset::kFewSample,
                  real(0.1, 9),
                  integer(0, 9),
                  integer(1, 9),
                  integer(1, 9),
                  integer(0, std::numeric_limits<std::int64_t>::max()),
                  coin(),
                  real(0, 2),
                  static_cast<NotFinite>(integer(0, 2)),
                  integer(1, 9),
                  integer(0, 9),
                  coin() ? 0 : 77,
                  coin(),
                  coin() ? std::filesystem::path() : path()};
    s.optimizer.rate = std::ldexp(1.0, static_cast<int>(integer(-1074, 3)));
    if (coin()) s.optimizer.head_rate = real(1e-9, 1);
    s.optimizer.weight_decay = real(0, 1);
    s.optimizer.beta1 = real(0, 1);
    s.optimizer.beta2 = real(0, 1);
    s.optimizer.epsilon = real(1e-12, 1);
    s.optimizer.layer_decay = real(0.1, 1);
    s.optimizer.decay_to = coin() ? DecayTarget::kZero : DecayTarget::kPretrained;
    s.optimizer.freeze = patterns(0);
    s.finetuning = finetuning();
    if (s.finetuning.method == Method::kFull) s.optimizer.train_only = patterns(0);
    s.schedule.kind = static_cast<ScheduleKind>(integer(0, 2));
    s.schedule.warmup = real(0, 1);
    if (coin()) s.schedule.warmup_steps = integer(0, 99);
    s.evaluation.before = coin();
    s.evaluation.every = integer(0, 9);
    s.evaluation.patience = integer(0, 9);
    s.evaluation.batch_size = integer(1, 9);
    s.evaluation.select_by = coin() ? "mean" : "each";
    s.checkpoints = {integer(1, 9), integer(0, 50), coin()};
    s.distributed = {static_cast<double>(integer(1, 9)), static_cast<double>(integer(1, 9)) + 0.5};
    s.report = {coin(), coin()};
    for (auto n = integer(1, 3); n > 0; --n) s.tasks.push_back(task("t" + std::to_string(n)));
    s.mixing = mixing();
    if (s.mixing.kind == MixingKind::kSequential) s.evaluation.patience = 0;
    return s;
  }

  std::vector<Pattern> patterns(std::int64_t least) {
    std::vector<Pattern> patterns;
    for (auto n = integer(least, 3); n > 0; --n) patterns.push_back({"f" + text(), {}});
    return patterns;
  }

  FinetuningConfig finetuning() {
    FinetuningConfig c;
    c.method = static_cast<Method>(integer(0, 6));
    c.top_layers = integer(1, 9);
    c.lora_rank = integer(1, 9);
    c.lora_alpha = real(0.1, 9);
    c.lora_targets = patterns(1);
    if (c.method == Method::kFull) {  // the others leave frozen what some of these work on
      c.reinitialize_layers = integer(0, 9);
      c.gradual_unfreezing = real(0, 1);
      c.mixout = real(0, 0.99);
      c.adversarial = real(0, 9);
    }
    c.adapter_size = integer(1, 99);
    c.r_drop = real(0, 9);
    c.smart = real(0.1, 9);
    c.smart_radius = real(0.001, 1);
    c.average = real(0, 1);
    return c;
  }

  MixingConfig mixing() {
    MixingConfig c;
    c.surgery = coin() && coin();
    c.step = c.surgery || coin() ? StepKind::kAllTasks : StepKind::kOneTask;
    if (c.step == StepKind::kOneTask) c.kind = static_cast<MixingKind>(integer(0, 5));
    c.weights = coin() ? WeightKind::kFixed : WeightKind::kUncertainty;
    if (c.kind == MixingKind::kTemperature) {
      c.temperature = real(0.1, 9);
      if (coin()) c.final_temperature = real(0.1, 9);
    }
    if (c.kind == MixingKind::kPhases) {
      for (auto n = integer(1, 3); n > 0; --n) c.phases.push_back({integer(1, 9), {{"t1", real(0.1, 9)}}, {}});
    }
    c.weight_rate = real(1e-9, 1);
    if (coin()) c.cosine_every = integer(0, 9);
    return c;
  }

 private:
  std::mt19937_64 random_;
};

void expect_same(const ConfigTable& a, const ConfigTable& b);

void expect_same(const ConfigValue& a, const ConfigValue& b) {
  ASSERT_EQ(a.value.index(), b.value.index());
  if (const auto* table = std::get_if<ConfigTable>(&a.value))
    return expect_same(*table, std::get<ConfigTable>(b.value));
  if (const auto* array = std::get_if<ConfigArray>(&a.value)) {
    const auto& other = std::get<ConfigArray>(b.value);
    ASSERT_EQ(array->values.size(), other.values.size());
    for (std::size_t i = 0; i < other.values.size(); ++i) expect_same(array->values[i], other.values[i]);
    return;
  }
  if (const auto* v = std::get_if<bool>(&a.value)) {
    EXPECT_EQ(*v, std::get<bool>(b.value));
  }
  if (const auto* v = std::get_if<std::int64_t>(&a.value)) {
    EXPECT_EQ(*v, std::get<std::int64_t>(b.value));
  }
  if (const auto* v = std::get_if<double>(&a.value)) {
    EXPECT_EQ(*v, std::get<double>(b.value));
  }
  if (const auto* v = std::get_if<std::string>(&a.value)) {
    EXPECT_EQ(*v, std::get<std::string>(b.value));
  }
}

void expect_same(const ConfigTable& a, const ConfigTable& b) {
  ASSERT_EQ(a.entries.size(), b.entries.size());
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    EXPECT_EQ(a.entries[i].key, b.entries[i].key);
    expect_same(a.entries[i].value, b.entries[i].value);
  }
}

void expect_same(const std::optional<DataSetConfig>& a, const std::optional<DataSetConfig>& b) {
  ASSERT_EQ(a.has_value(), b.has_value());
  if (!a) return;
  EXPECT_EQ(a->name, b->name);
  EXPECT_EQ(a->path, b->path);
  expect_same(a->data, b->data);
}

void expect_same(const TaskConfig& a, const TaskConfig& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.plugin, b.plugin);
  expect_same(a.train, b.train);
  expect_same(a.dev, b.dev);
  EXPECT_EQ(a.split, b.split);
  EXPECT_EQ(a.stream, b.stream);
  EXPECT_EQ(a.shuffle_buffer, b.shuffle_buffer);
  EXPECT_EQ(a.weight, b.weight);
  EXPECT_EQ(a.head_rate, b.head_rate);
  EXPECT_EQ(a.head_warmup, b.head_warmup);
  ASSERT_EQ(a.sets.size(), b.sets.size());
  for (std::size_t i = 0; i < a.sets.size(); ++i) expect_same(std::optional(a.sets[i]), std::optional(b.sets[i]));
  expect_same(a.data, b.data);
  expect_same(a.options, b.options);
}

void expect_same(const std::vector<Pattern>& a, const std::vector<Pattern>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].text, b[i].text);
}

void expect_same(const Suite& a, const Suite& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.model.path, b.model.path);
  EXPECT_EQ(a.model.max_length, b.model.max_length);
  EXPECT_EQ(a.model.dropout, b.model.dropout);
  EXPECT_EQ(a.model.attention_dropout, b.model.attention_dropout);
  EXPECT_EQ(a.model.frozen_dropout, b.model.frozen_dropout);
  EXPECT_EQ(a.training.cache_megabytes, b.training.cache_megabytes);
  EXPECT_EQ(a.model.precision, b.model.precision);
  EXPECT_EQ(a.model.device, b.model.device);
  const auto training = [](const TrainingConfig& c) {
    return std::tuple(c.preset, c.epochs, c.steps, c.batch_size, c.accumulate, c.seed, c.shuffle, c.clip_norm,
                      c.log_every, c.threads, c.not_finite, c.activation_checkpointing, c.feature_cache);
  };
  EXPECT_EQ(training(a.training), training(b.training));
  const auto optimizer = [](const OptimizerConfig& c) {
    return std::tuple(c.rate, c.head_rate, c.weight_decay, c.beta1, c.beta2, c.epsilon, c.layer_decay, c.decay_to);
  };
  EXPECT_EQ(optimizer(a.optimizer), optimizer(b.optimizer));
  expect_same(a.optimizer.train_only, b.optimizer.train_only);
  expect_same(a.optimizer.freeze, b.optimizer.freeze);
  const auto finetuning = [](const FinetuningConfig& c) {
    return std::tuple(c.method, c.top_layers, c.lora_rank, c.lora_alpha, c.reinitialize_layers, c.gradual_unfreezing,
                      c.mixout, c.adversarial, c.average, c.adapter_size, c.r_drop, c.smart, c.smart_radius);
  };
  EXPECT_EQ(finetuning(a.finetuning), finetuning(b.finetuning));
  expect_same(a.finetuning.lora_targets, b.finetuning.lora_targets);
  EXPECT_EQ(a.schedule.kind, b.schedule.kind);
  EXPECT_EQ(a.schedule.warmup, b.schedule.warmup);
  EXPECT_EQ(a.schedule.warmup_steps, b.schedule.warmup_steps);
  EXPECT_EQ(a.evaluation.before, b.evaluation.before);
  EXPECT_EQ(a.evaluation.every, b.evaluation.every);
  EXPECT_EQ(a.evaluation.patience, b.evaluation.patience);
  EXPECT_EQ(a.evaluation.batch_size, b.evaluation.batch_size);
  EXPECT_EQ(a.evaluation.select_by, b.evaluation.select_by);
  const auto mixing = [](const MixingConfig& c) {
    return std::tuple(c.kind, c.step, c.weights, c.surgery, c.temperature, c.final_temperature, c.weight_rate,
                      c.cosine_every);
  };
  EXPECT_EQ(mixing(a.mixing), mixing(b.mixing));
  ASSERT_EQ(a.mixing.phases.size(), b.mixing.phases.size());
  for (std::size_t i = 0; i < a.mixing.phases.size(); ++i) {
    EXPECT_EQ(a.mixing.phases[i].steps, b.mixing.phases[i].steps);
    EXPECT_EQ(a.mixing.phases[i].shares, b.mixing.phases[i].shares);
  }
  EXPECT_EQ(a.checkpoints.keep, b.checkpoints.keep);
  EXPECT_EQ(a.checkpoints.every, b.checkpoints.every);
  EXPECT_EQ(a.checkpoints.initial, b.checkpoints.initial);
  EXPECT_EQ(a.distributed.start_timeout, b.distributed.start_timeout);
  EXPECT_EQ(a.distributed.timeout, b.distributed.timeout);
  EXPECT_EQ(a.report.html, b.report.html);
  EXPECT_EQ(a.report.tensorboard, b.report.tensorboard);
  ASSERT_EQ(a.tasks.size(), b.tasks.size());
  for (std::size_t i = 0; i < a.tasks.size(); ++i) expect_same(a.tasks[i], b.tasks[i]);
}

TEST_F(SuiteTest, WhatIsWrittenReadsBackTheSame) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    const auto suite = Draw(seed).suite();
    const auto text = to_toml(suite);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + text);
    Suite again;
    ASSERT_NO_THROW(
        try { again = read(text); } catch (const Error& e) {
          ADD_FAILURE() << e.what();
          throw;
        });
    expect_same(suite, again);
    if (HasFailure()) return;
  }
}

TEST_F(SuiteTest, TheDataOfATaskIsWrittenToo) {
  const auto suite = read(kLeast + "data.format = 'csv'\ndev = {path='d', data={format='tsv', more=1}}\n");
  const auto again = read(to_toml(suite));
  expect_same(suite, again);
  EXPECT_EQ(std::get<std::string>(again.tasks[0].data.find("format")->value), "csv");
}

TEST_F(SuiteTest, WhatIsWrittenIsReadable) {
  const auto text = to_toml(read("name='x'\n" + kLeast + "options.average = 'macro'\n"));
  EXPECT_THAT(text,
              ::testing::StartsWith("name = \"x\"\n\n[model]\npath = \"" + (folder_ / "m").string() +
                                    "\"\nmax_length = 128\nfrozen_dropout = false\nprecision = "
                                    "\"float32\"\ndevice = \"auto\"\n\n[training]\npreset = \"none\"\nepochs = 3.0\n"));
  EXPECT_THAT(text, ::testing::HasSubstr("\nbetas = [0.9, 0.999]\n"));
  EXPECT_THAT(text, ::testing::EndsWith(
                        "[tasks.sst2]\nplugin = \"classification\"\nsplit = 0.0\nstream = false\nshuffle_buffer = "
                        "10000\nweight = 1.0\n\n"
                        "[tasks.sst2.train]\npath = \"" +
                        (folder_ / "train.tsv").string() +
                        "\"\n\n[tasks.sst2.options]\naverage = \"macro\"\n\n[tasks.sst2.debias]\nmethod = \"none\"\n"
                        "bias = \"overlap\"\nfolds = 5\nentropy = 0.03\ngroup = \"\"\n"
                        "by_label = true\nstep_size = 0.01\nadjustment = 0.0\n"));
}

TEST_F(SuiteTest, DamagedTextNeverGivesAnythingButAnErrorOfTheSuite) {
  const auto text = to_toml(Draw(3).suite());
  std::mt19937_64 random(7);
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  static const std::string kSpecial = "\"'[]{}=.,#\n\\ \t\x00\x01\xff\x80$a0";
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    auto damaged = text;
    for (auto n = 1 + below(3); n > 0; --n) {
      const auto at = below(damaged.size());
      switch (below(4)) {
        case 0:
          damaged[at] = kSpecial[below(kSpecial.size())];
          break;
        case 1:
          damaged.erase(at, 1 + below(20));
          break;
        case 2:
          damaged.insert(at, 1 + below(100), kSpecial[below(kSpecial.size())]);
          break;
        default:
          damaged.insert(at, damaged.substr(below(damaged.size()), below(60)));
      }
    }
    refused += complaint(damaged).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 1000);
}

TEST(TomlWriterTest, NumbersAndKeys) {
  EXPECT_EQ(to_toml(3.0), "3.0");
  EXPECT_EQ(to_toml(1e-8), "1e-08");
  EXPECT_EQ(to_toml(0.1), "0.1");
  EXPECT_EQ(to_toml(-0.0), "-0.0");
  EXPECT_EQ(to_toml(std::int64_t{-5}), "-5");
  EXPECT_EQ(toml_key("a-b_1"), "a-b_1");
  EXPECT_EQ(toml_key("a.b"), "\"a.b\"");
  EXPECT_EQ(toml_key(""), "\"\"");
}

}  // namespace
}  // namespace berth::suite
