#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "berth/head.h"
#include "core/data/encoded_batch.h"
#include "core/plugin/head_tensors.h"
#include "core/validation/checks.h"

namespace berth::validation {
namespace {

// A product of few rows differs from the same rows in a larger one by some units in the last place.
constexpr double kTolerance = 1e-3;

void expect_same(const std::vector<std::string>& expected, const std::vector<std::string>& found, double tolerance,
                 const std::string& what) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (const auto text = difference(expected[i], found[i], tolerance); !text.empty()) {
      fail(fmt::format("{}: of example {}, {}", what, i + 1, text));
    }
  }
}

Loss loss_of(Bench& bench, const Batch& batch) {
  const at::NoGradGuard no_grad;
  auto& head = *bench.task().head;
  head.eval();
  const data::EncodedBatch encoded(batch, encode(bench, batch));
  return plugin::guarded(bench.task().task.site("forward and loss"),
                         [&] { return head.loss(head.forward(encoded), batch, LossDetail::kSum); });
}

void expect_sum_of_parts(Bench& bench) {
  const auto batch = bench.batch();
  const Loss whole = loss_of(bench, *batch);
  double sum = 0;
  double count = 0;
  for (std::int64_t i = 0; i < bench.data.store.size(); ++i) {
    const Loss part = loss_of(bench, *bench.data.store.pack_from(i, 1));
    sum += part.sum.item<double>();
    count += part.count;
  }
  const double expected = whole.sum.item<double>();
  if (std::abs(count - whole.count) > 1e-6 * (1 + whole.count)) {
    fail(fmt::format("the counts of single sequences add up to {}, and together they have {}", count, whole.count));
  }
  if (std::abs(sum - expected) > kTolerance * (1 + std::abs(expected))) {
    fail(fmt::format("the losses of single sequences add up to {}, and together they have {}", sum, expected));
  }
}

std::map<std::string, double> scores_of(const plugin::LoadedTask& task, const Metric& metric) {
  std::map<std::string, double> scores;
  for (const auto& score : task.scores(metric)) scores[score.name] = score.value;
  return scores;
}

// Sums of real numbers may be added up in another order.
bool is_equal(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(a));
}

}  // namespace

std::string check_batches(const Subject& subject) {
  auto bench = make_bench(subject);
  const auto model = bench.session.model_of(bench.task());
  const auto together = predictions(model, bench.data, bench.data.store.size());
  expect_same(together, predictions(model, bench.data, 1), kTolerance, "alone and in a batch");
  expect_same(together, predictions(model, bench.data, 3), kTolerance, "in batches of 3 and in one");

  auto examples = some_examples(bench.task().task, kExamples);
  std::reverse(examples.begin(), examples.end());
  const auto reversed = data::make_task_data(bench.task().task, "reversed", std::move(examples), data::Keep::kExamples,
                                             bench.session.feature_options());
  auto backwards = predictions(model, reversed, reversed.store.size());
  std::reverse(backwards.begin(), backwards.end());
  expect_same(together, backwards, kTolerance, "in another order");
  expect_sum_of_parts(bench);
  return fmt::format("{} examples, alone, by threes, together, backwards", together.size());
}

std::string check_reload(const Subject& subject) {
  auto bench = make_bench(subject);
  auto& task = bench.task();
  const auto expected = predictions(bench.session.model_of(task), bench.data, kExamples);
  const auto state = task.task.save_state();

  plugin::LoadedTask again(bench.found.registry, task.task.config());
  again.use_tokenizer(*bench.session.tokenizer);
  again.load_state(state);
  if (again.save_state() != state) fail("load_state() and then save_state() give another state");
  bench.session.suite.training.seed += 1;  // the new head starts from other values
  const auto head = training::make_head(bench.session, again);
  plugin::load_head(*head, plugin::head_tensors(*task.head), "the head that was saved");
  const auto data = data::make_task_data(again, bench.data.name, some_examples(again, kExamples), data::Keep::kExamples,
                                         bench.session.feature_options());
  expect_same(expected, predictions({again, *head, bench.session.encoder}, data, kExamples), 0, "saved and loaded");
  return fmt::format("{} bytes of state, {} tensors", state.size(), plugin::head_tensors(*head).size());
}

std::string check_metric(const Subject& subject) {
  auto bench = make_bench(subject);
  const auto& task = bench.task().task;
  const auto whole = task.make_metric();
  const auto merged = task.make_metric();
  const std::unique_ptr<Metric> parts[] = {task.make_metric(), task.make_metric()};
  std::size_t at = 0;
  evaluation::predict(bench.session.model_of(bench.task()), bench.data, {kExamples, 1},
                      [&](const Example& example, const Prediction& prediction) {
                        task.add(*whole, example, prediction);
                        task.add(*parts[at++ % 2], example, prediction);
                      });
  plugin::guarded(task.site("state and merge of the metric"), [&] {
    for (const auto& part : parts) merged->merge(part->state());
  });
  const auto expected = scores_of(task, *whole);
  const auto found = scores_of(task, *merged);
  for (const auto& [name, value] : expected) {
    if (found.contains(name) && is_equal(found.at(name), value)) continue;
    fail(fmt::format("{} is {} of the whole, and {} merged from two parts", name, value,
                     found.contains(name) ? fmt::format("{}", found.at(name)) : "missing"));
  }
  std::string text;
  for (const auto& [name, value] : expected) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Without the ability, what the host makes of the answers' JSON.
std::string check_display(const Subject& subject) {
  auto bench = make_bench(subject);
  const auto& task = bench.task().task;
  std::size_t texts = 0;
  std::size_t marks = 0;
  evaluation::predict(bench.session.model_of(bench.task()), bench.data, {kExamples, 1},
                      [&](const Example& example, const Prediction& prediction) {
                        const auto shown = task.show(example, prediction);
                        texts += shown.texts.size();
                        if (!(shown.error >= 0)) fail(fmt::format("show() gives an error of {}", shown.error));
                        for (const auto& text : shown.texts) {
                          marks += text.marks.size();
                          for (const auto& mark : text.marks) {
                            if (mark.begin <= mark.end && mark.end <= text.text.size()) continue;
                            fail(fmt::format("show() marks bytes {} to {} of the text '{}', which has {}", mark.begin,
                                             mark.end, text.title, text.text.size()));
                          }
                        }
                      });
  return fmt::format("{} texts, {} marks", texts, marks);
}

}  // namespace berth::validation
