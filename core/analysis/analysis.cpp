#include "core/analysis/analysis.h"

#include "core/analysis/probe.h"
#include "core/plugin/head_tensors.h"
#include "core/training/random.h"

namespace berth::analysis {
namespace {

bool is_probe(const Head& head) {
  std::int64_t numbers = 0;
  for (const auto& parameter : plugin::head_parameters(head)) numbers += parameter.tensor.numel();
  return numbers <= kLargestProbe;
}

}  // namespace

TaskAnalysis analyze_task(const training::Session& session, training::TaskSession& task, const model::Encoder& before,
                          const TaskSample& sample, const AnalysisOptions& options) {
  const auto tick = [&options] {
    if (options.wants_stop && options.wants_stop()) throw evaluation::Stopped{};
  };
  auto evaluating = session.evaluation_options();
  evaluating.wants_stop = options.wants_stop;
  const evaluation::TaskModel model{task.task, *task.head, session.encoder};
  TaskAnalysis result;
  result.task = task.task.name();
  for (const auto& set : sample.sets) {
    result.sets.push_back(
        {set.name, set.example_count,
         compare_representations(before, session.encoder, set.store, {evaluating.batch_size, options.tokens, tick})});
  }
  if (sample.sets.empty()) return result;
  const auto& set = sample.sets.front();
  const auto whole = evaluation::evaluate(model, set, evaluating, {}).primary();
  result.score = whole.name;
  result.whole = whole.value;
  result.substitution = substitute(model, before.parameters(), set, evaluating);
  if (options.has_probes && sample.train && is_probe(*task.head)) {
    ProbeOptions probing;
    probing.seed = training::stream_seed(session.suite.training.seed, "probe");
    probing.tick = tick;
    const ProbeTask probe{task.task, [&] { return training::make_head(session, task.task); }, sample.train->store, set};
    result.probes_before = probe_layers(probe, before, probing);
    result.probes_after = probe_layers(probe, session.encoder, probing);
  }
  return result;
}

}  // namespace berth::analysis
