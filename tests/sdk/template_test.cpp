// The template, loaded from its file and taken through a task's whole life.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include "berth/plugin.h"
#include "fake_host.h"
#include "support.h"

namespace berth {
namespace {

constexpr std::int64_t kWidth = 32;

std::unique_ptr<Task> load_task() {
  // Never closed: objects of its classes may outlive this call.
  void* library = ::dlopen(BERTH_TEMPLATE, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(::dlerror());
  const auto create = reinterpret_cast<BerthCreateTask>(::dlsym(library, BERTH_ENTRY_NAME));
  char message[256] = "";
  return std::unique_ptr<Task>(create(message, sizeof(message)));
}

TEST(Template, LearnsASmallSet) {
  const test::TemporaryFolder folder;
  const std::string file = folder.write("train.tsv",
                                        "text\tlabel\n"
                                        "we need this bridge now\tfor\nbuild it please\tfor\nI support the plan\tfor\n"
                                        "a waste of money\tagainst\nleave our park alone\tagainst\nvote no\tagainst\n"
                                        "the meeting is at six\tneither\nwhere is the map\tneither\n");
  const auto task = load_task();
  test::FakeSet first_pass(*task, file);
  task->fit(first_pass.stream());

  const auto reloaded = load_task();
  test::FakeOptions options;
  reloaded->describe(options);
  options.set("dropout", 0.0);
  reloaded->load_state(task->save_state());
  test::FakeSet set(*reloaded, file);
  set.load(*reloaded);
  const auto head = reloaded->make_head({kWidth, 2, 1000, 64, 0.1, 0.02});
  const auto [before, after] = test::train(*head, set, kWidth, 60);
  EXPECT_LT(after, 0.2 * before);
  const Outputs outputs = head->forward(test::FakeEncoded(*set.batch, kWidth));
  const at::Tensor logs = head->log_probabilities(outputs, *set.batch);
  const at::Tensor right = logs.gather(1, head->targets(*set.batch).unsqueeze(1)).squeeze(1);
  EXPECT_TRUE(at::allclose(-right, head->loss(outputs, *set.batch, LossDetail::kValues).values));
  EXPECT_EQ(set.evaluate(*reloaded, *head, kWidth).at("f1_macro").value, 1.0);
  EXPECT_EQ(set.predictions.front()->json(), R"({"prediction": "for"})");
}

TEST(Template, ErrorsOfTheKitReachTheHostByType) {
  const test::TemporaryFolder folder;
  const auto task = load_task();
  test::expect_error(ErrorKind::kContent, {"a.tsv:2: ", "1 fields"},
                     [&] { test::FakeSet(*task, folder.write("a.tsv", "text\tlabel\nx\n")).stream().next(); });
}

TEST(Template, PredictsWithoutLabels) {
  const auto task = load_task();
  const auto example = task->make_reader()->from_json(R"({"text": "vote no"})", {});
  test::CollectingSink sink;
  task->features(*example, {test::FakeTokenizer(), 64}, sink);
  ASSERT_EQ(sink.features.size(), 1U);
  EXPECT_TRUE(sink.features[0].fields.empty());
  EXPECT_EQ(sink.features[0].encoding.size(), 4U);
  EXPECT_EQ(example->json(), R"({"text": "vote no"})");
}

}  // namespace
}  // namespace berth
