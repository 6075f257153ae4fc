#include "core/suite/option_binder.h"
#include "suite_fixture.h"

namespace berth::suite {
namespace {

TEST_F(SuiteTest, LeastSuiteHasTheDefaultsOfTheStructs) {
  const auto suite = read(kLeast);
  EXPECT_EQ(suite.name, "s");
  EXPECT_EQ(suite.file, folder_ / "s.toml");
  EXPECT_EQ(suite.model.path, folder_ / "m");
  EXPECT_EQ(suite.model.max_length, 128);
  EXPECT_FALSE(suite.model.dropout);
  EXPECT_EQ(suite.training.epochs, 3);
  EXPECT_EQ(suite.training.seed, 42);
  EXPECT_FALSE(suite.training.activation_checkpointing);
  EXPECT_TRUE(suite.training.feature_cache.empty());
  EXPECT_EQ(suite.optimizer.beta2, 0.999);
  EXPECT_TRUE(suite.optimizer.freeze.empty());
  EXPECT_EQ(suite.schedule.kind, ScheduleKind::kLinear);
  EXPECT_EQ(suite.checkpoints.keep, 1);
  EXPECT_TRUE(suite.report.html);
  EXPECT_FALSE(suite.report.tensorboard);
  ASSERT_EQ(suite.tasks.size(), 1U);
  EXPECT_EQ(suite.tasks[0].name, "sst2");
  EXPECT_EQ(suite.tasks[0].plugin, "classification");
  EXPECT_EQ(suite.tasks[0].plugin_where.line, 4);
  EXPECT_EQ(suite.tasks[0].train->path, folder_ / "train.tsv");
  EXPECT_EQ(suite.tasks[0].train->name, "train");
  EXPECT_FALSE(suite.tasks[0].dev);
}

TEST_F(SuiteTest, EveryKeyIsRead) {
  const auto suite = read(R"(
name = "a run"
[model]
path = "/models/minilm/"
max_length = 64
dropout = 0
attention_dropout = 0.25
precision = "float64"
device = "cpu"
[training]
epochs = 1.5
steps = 7
batch_size = 8
accumulate = 2
seed = 1
shuffle = false
clip_norm = 0
log_every = 5
not_finite = "back"
threads = 3
activation_checkpointing = true
feature_cache = "cache"
[optimizer]
rate = 1
head_rate = 1e-3
weight_decay = 0.0
betas = [0.8, 0.99]
epsilon = 1e-6
layer_decay = 0.9
freeze = ["embeddings", "layers.0-3"]
[schedule]
kind = "cosine"
warmup = 1
warmup_steps = 12
[evaluation]
before = true
every = 100
patience = 4
batch_size = 16
[checkpoints]
keep = 3
every = 50
initial = true
[distributed]
start_timeout = 20
timeout = 60.5
[report]
html = false
tensorboard = true
[tasks.a]
plugin = "p"
split = 0.25
shuffle_buffer = 50
weight = 2
head_rate = 0.5
train = "t"
)");
  EXPECT_EQ(suite.name, "a run");
  EXPECT_EQ(suite.model.path, "/models/minilm");
  EXPECT_EQ(suite.model.max_length, 64);
  EXPECT_EQ(suite.model.dropout, 0.0);
  EXPECT_EQ(suite.model.attention_dropout, 0.25);
  EXPECT_EQ(suite.model.precision, Precision::kFloat64);
  EXPECT_EQ(suite.model.device, "cpu");
  EXPECT_EQ(suite.training.epochs, 1.5);
  EXPECT_EQ(suite.training.steps, 7);
  EXPECT_EQ(suite.training.batch_size, 8);
  EXPECT_EQ(suite.training.accumulate, 2);
  EXPECT_EQ(suite.training.seed, 1);
  EXPECT_FALSE(suite.training.shuffle);
  EXPECT_EQ(suite.training.clip_norm, 0);
  EXPECT_EQ(suite.training.log_every, 5);
  EXPECT_EQ(suite.training.not_finite, NotFinite::kBack);
  EXPECT_EQ(suite.training.threads, 3);
  EXPECT_TRUE(suite.training.activation_checkpointing);
  EXPECT_EQ(suite.training.feature_cache, folder_ / "cache");
  EXPECT_EQ(suite.optimizer.rate, 1);
  EXPECT_EQ(suite.optimizer.head_rate, 1e-3);
  EXPECT_EQ(suite.optimizer.weight_decay, 0);
  EXPECT_EQ(suite.optimizer.beta1, 0.8);
  EXPECT_EQ(suite.optimizer.beta2, 0.99);
  EXPECT_EQ(suite.optimizer.epsilon, 1e-6);
  EXPECT_EQ(suite.optimizer.layer_decay, 0.9);
  ASSERT_EQ(suite.optimizer.freeze.size(), 2U);
  EXPECT_EQ(suite.optimizer.freeze[1].text, "layers.0-3");
  EXPECT_EQ(suite.optimizer.freeze[1].where.line, 30);
  EXPECT_EQ(suite.optimizer.freeze[1].where.column, 25);
  EXPECT_EQ(suite.schedule.kind, ScheduleKind::kCosine);
  EXPECT_EQ(suite.schedule.warmup, 1);
  EXPECT_EQ(suite.schedule.warmup_steps, 12);
  EXPECT_TRUE(suite.evaluation.before);
  EXPECT_EQ(suite.evaluation.every, 100);
  EXPECT_EQ(suite.evaluation.patience, 4);
  EXPECT_EQ(suite.evaluation.batch_size, 16);
  EXPECT_EQ(suite.checkpoints.keep, 3);
  EXPECT_EQ(suite.checkpoints.every, 50);
  EXPECT_TRUE(suite.checkpoints.initial);
  EXPECT_EQ(suite.distributed.start_timeout, 20);
  EXPECT_EQ(suite.distributed.timeout, 60.5);
  EXPECT_FALSE(suite.report.html);
  EXPECT_TRUE(suite.report.tensorboard);
  EXPECT_EQ(suite.tasks[0].split, 0.25);
  EXPECT_FALSE(suite.tasks[0].stream);
  EXPECT_EQ(suite.tasks[0].shuffle_buffer, 50);
  EXPECT_EQ(suite.tasks[0].weight, 2);
  EXPECT_EQ(suite.tasks[0].head_rate, 0.5);
}

TEST_F(SuiteTest, TasksAndTablesKeepTheOrderOfTheFile) {
  const auto suite = read(R"(
[tasks.zebra]
plugin = "p"
train = "z"
[tasks.zebra.options]
zz = 1
b.y = 2
b.a = 3
aa = 4
[model]
path = "m"
[tasks.ant.sets.second]
path = "s"
[tasks.ant.sets]
first = "f"
[tasks.ant]
plugin = "p"
[tasks.middle]
plugin = "p"
train = "m"
)");
  ASSERT_EQ(suite.tasks.size(), 3U);
  EXPECT_EQ(suite.tasks[0].name, "zebra");
  EXPECT_EQ(suite.tasks[1].name, "ant");
  EXPECT_EQ(suite.tasks[2].name, "middle");
  const auto& options = suite.tasks[0].options.entries;
  ASSERT_EQ(options.size(), 3U);
  EXPECT_EQ(options[0].key, "zz");
  EXPECT_EQ(options[1].key, "b");
  EXPECT_EQ(options[2].key, "aa");
  const auto& inner = std::get<ConfigTable>(options[1].value.value).entries;
  EXPECT_EQ(inner[0].key, "y");
  EXPECT_EQ(inner[1].key, "a");
  ASSERT_EQ(suite.tasks[1].sets.size(), 2U);
  EXPECT_EQ(suite.tasks[1].sets[0].name, "second");
  EXPECT_EQ(suite.tasks[1].sets[1].name, "first");
}

TEST_F(SuiteTest, DataOfASetIsLaidOverTheTasks) {
  const auto suite = read(R"(
[model]
path = "m"
[tasks.a]
plugin = "p"
train = "train.tsv"
dev = { path = "dev.csv", data = { format = "csv", quoted = true } }
[tasks.a.data]
format = "tsv"
label_map = { a = "b" }
[tasks.a.sets.test]
path = "test.tsv"
data.label_map = { c = "d" }
)");
  const auto& task = suite.tasks[0];
  const auto text = [](const DataSetConfig& set, const std::string& key) {
    return std::get<std::string>(set.data.find(key)->value);
  };
  EXPECT_EQ(text(*task.train, "format"), "tsv");
  EXPECT_EQ(task.train->data.entries.size(), 2U);
  EXPECT_EQ(text(*task.dev, "format"), "csv");
  EXPECT_EQ(task.dev->path, folder_ / "dev.csv");
  EXPECT_NE(task.dev->data.find("quoted"), nullptr);
  EXPECT_NE(task.dev->data.find("label_map"), nullptr);
  const auto& map = std::get<ConfigTable>(task.sets[0].data.find("label_map")->value);
  ASSERT_EQ(map.entries.size(), 1U) << "a set's own value replaces the task's whole";
  EXPECT_EQ(map.entries[0].key, "c");
}

TEST_F(SuiteTest, PathsAreRelativeToTheSuiteAndKnowTheEnvironment) {
  const auto with_path = [](const std::string& path) {
    return "[model]\npath = '" + path + "'\n[tasks.a]\nplugin = 'p'\ntrain = 't'\n";
  };
  EXPECT_EQ(read(with_path("../x/./y")).model.path, folder_.parent_path() / "x" / "y");
  EXPECT_EQ(read(with_path("${BERTH_TEST_FOLDER}/a-${BERTH_TEST_FOLDER}")).model.path, "/elsewhere/a-/elsewhere");
  EXPECT_EQ(read(with_path("/a/$${X}/$b/$")).model.path, "/a/${X}/$b/$");
  EXPECT_EQ(read(with_path("/")).model.path, "/");
  EXPECT_EQ(complaint(with_path("${BERTH_TEST_UNSET}/x")),
            "s.toml:2:8: [model]: 'path' needs the environment variable BERTH_TEST_UNSET, which is not set; run with "
            "BERTH_TEST_UNSET=... in front");
  EXPECT_EQ(complaint(with_path("a${b")),
            "s.toml:2:8: [model]: 'path' has a '${' without a '}'; close it, or write '$${' for the characters");
  EXPECT_EQ(complaint(with_path("")), "s.toml:2:8: [model]: 'path' is empty; write a path");
}

TEST_F(SuiteTest, RelativeSuitePathGivesAbsolutePaths) {
  write(kLeast);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const auto suite = read_suite("s.toml", {});
  std::filesystem::current_path(before);
  EXPECT_EQ(suite.model.path, std::filesystem::canonical(folder_) / "m");
  EXPECT_EQ(suite.model.where.file, "s.toml");
}

TEST_F(SuiteTest, FilesThatAreNoSuites) {
  const auto kind_of = [](const std::filesystem::path& file) {
    try {
      read_suite(file, {});
    } catch (const Error& e) {
      return static_cast<int>(e.kind());
    }
    return 0;
  };
  EXPECT_EQ(kind_of(folder_ / "none.toml"), 2);
  EXPECT_EQ(kind_of(folder_), 2);
  const auto file = write(kLeast);
  std::filesystem::permissions(file, std::filesystem::perms::none);
  if (::geteuid() != 0) {  // root reads everything
    EXPECT_EQ(kind_of(file), 6);
  }
  EXPECT_EQ(complaint(""), "s.toml: the suite: 'model' is missing; add [model] with path = \"FOLDER\"");
}

}  // namespace
}  // namespace berth::suite
