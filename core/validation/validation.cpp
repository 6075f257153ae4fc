#include "core/validation/validation.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/validation/checks.h"

namespace berth::validation {

const std::vector<Check>& checks() {
  static const std::vector<Check> kChecks = {
      {"manifest", "the file says what it was built for, and this berth can load that", Needs::kFile, check_manifest},
      {"exports", "the library exports the entry function and nothing else", Needs::kFile, check_exports},
      {"load", "it loads, makes a task, and leaves the process as it was", Needs::kCode, check_load},
      {"options", "its options have snake_case names, help, and defaults within their own limits", Needs::kCode,
       check_options},
      {"rows", "rows of the data become examples with a place, whose JSON from_json() reads or refuses", Needs::kSuite,
       check_rows},
      {"threads", "features are the same from several threads at once", Needs::kSuite, check_threads},
      {"loss", "the loss is a sum over counted labels, and its values and probabilities agree with it", Needs::kSuite,
       check_loss},
      {"gradient", "the gradient of the loss equals its differences", Needs::kSuite, check_gradient},
      {"batches", "predictions and loss do not depend on batch size, order and neighbours", Needs::kSuite,
       check_batches},
      {"learning", "the task learns one batch by heart", Needs::kSuite, check_learning},
      {"reload", "what was saved, loaded into a new task, predicts the same", Needs::kSuite, check_reload},
      {"metric", "a metric merged from parts scores as the whole", Needs::kSuite, check_metric},
      {"display", "answers are shown, with marks within their texts", Needs::kSuite, check_display},
      {"inputs", "odd input is answered or refused: empty, one token, too long, broken UTF-8", Needs::kSuite,
       check_inputs},
      {"errors", "an error of the host in the middle of any call comes out as it went in", Needs::kSuite, check_errors},
  };
  return kChecks;
}

suite::Suite only_task(suite::Suite suite, const std::string& plugin, const std::string& task) {
  const auto is_meant = [&](const suite::TaskConfig& t) { return task.empty() ? t.plugin == plugin : t.name == task; };
  const auto found = std::find_if(suite.tasks.begin(), suite.tasks.end(), is_meant);
  if (found == suite.tasks.end()) {
    throw Error(ErrorKind::kConfig, {suite.file.string()},
                task.empty() ? fmt::format("no task of the suite has plugin = \"{}\"", plugin)
                             : fmt::format("the suite has no task '{}'", task));
  }
  if (found->plugin != plugin) {
    throw Error(ErrorKind::kConfig, found->plugin_where,
                fmt::format("tasks.{} has the plugin '{}', and the file is the plugin '{}'; name another with --task",
                            found->name, found->plugin, plugin));
  }
  auto one = *found;
  one.dev.reset();
  one.split = 0;
  one.sets.clear();
  one.debias = {};
  suite.tasks = {one};
  suite.finetuning = {};
  return suite;
}

}  // namespace berth::validation
