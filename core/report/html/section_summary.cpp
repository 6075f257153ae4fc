#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/report/console.h"
#include "core/report/html/html_writer.h"
#include "core/report/html/sections.h"

namespace berth::report::html {
namespace {

std::string fact_html(const char* name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, escaped(value));
}

// Steps done so far, of a run that goes on by its last line.
double steps_of(const RunData& run) {
  if (run.summary.is_object()) return number_at(run.summary, "steps");
  double last = 0;
  for (const auto& task : run.tasks) {
    if (!task.train.empty()) last = std::max(last, task.train.back().step);
  }
  return last;
}

std::string facts_html(const RunData& run) {
  std::string facts;
  const double steps = steps_of(run);
  if (std::isfinite(steps)) {
    auto text = count_text(static_cast<std::int64_t>(steps));
    if (run.total_steps && static_cast<double>(*run.total_steps) > steps) {
      text += " of " + count_text(*run.total_steps);
    }
    facts += fact_html("steps", text);
  }
  const auto add = [&](const char* name, const char* key, const auto& format) {
    const double value = number_at(run.summary, key);
    if (std::isfinite(value)) facts += fact_html(name, format(value));
  };
  add("training", "training_seconds", [](double value) { return format_duration(value); });
  add("examples/s", "examples_per_second", [](double value) { return fmt::format("{:.1f}", value); });
  add("peak memory", "peak_resident_bytes", [](double value) { return fmt::format("{:.0f} MB", value / 1e6); });
  add("parameters", "parameters", [](double value) { return fmt::format("{:.1f} M", value / 1e6); });
  add("seed", "seed", [](double value) { return fmt::format("{:.0f}", value); });
  return facts.empty() ? "" : "<dl class=\"facts\">\n" + facts + "</dl>\n";
}

std::string floors_text(const TaskRun& task) {
  std::string text;
  if (task.before) text += fmt::format("{} before training", score_text(*task.before));
  if (task.majority) {
    text += fmt::format("{}{} by always giving the most frequent label", text.empty() ? "" : " and ",
                        score_text(*task.majority));
  }
  return text.empty() ? "" : ", against " + text;
}

bool is_better(const TaskRun& task, double score, double than) {
  return task.is_lower_better ? score < than : score > than;
}

// Above all floors that are known.
bool has_learned(const TaskRun& task, double score) {
  if (!task.failure.empty() || (!task.before && !task.majority)) return false;
  return (!task.before || is_better(task, score, *task.before)) &&
         (!task.majority || is_better(task, score, *task.majority));
}

std::string verdict_html(const RunData& run, const TaskRun& task, double score) {
  if (task.diverged) {
    return fmt::format(
        "<strong class=\"bad\">It diverged</strong>: its loss began at {:.4f} and ended at {:.4f}; lower the rate or "
        "lengthen the warm-up.",
        task.diverged->first, task.diverged->second);
  }
  if (!task.failure.empty()) {
    return fmt::format("<strong class=\"bad\">It learned nothing</strong>: {}.", escaped(task.failure));
  }
  if (has_learned(task, score)) return "<strong class=\"good\">It learned.</strong>";
  return run.summary.is_object() ? "" : "Training goes on.";
}

std::string task_sentence_html(const RunData& run, const TaskRun& task) {
  const double score = task.dev_score();
  const auto name = fmt::format("<strong>{}</strong> ({})", escaped(task.name), escaped(task.plugin));
  if (!std::isfinite(score)) {
    const auto* none = run.summary.is_object() ? "no score on dev" : "no score yet";
    return fmt::format("{}: {}. {}", name, none, verdict_html(run, task, score));
  }
  return fmt::format("{}: {} <b>{}</b> on dev{}{}. {}", name, escaped(task.primary), score_text(score),
                     task.is_lower_better ? " (lower is better)" : "", floors_text(task),
                     verdict_html(run, task, score));
}

}  // namespace

std::string header_html(const RunData& run) {
  const auto ending = run.ending();
  const auto* look = is_finished_ending(ending) ? "good" : ending == "failed" ? "bad" : "open";
  auto html = fmt::format(
      "<p class=\"kicker\">berth run</p>\n<h1>{}</h1>\n<p class=\"where\"><span class=\"chip {}\">{}"
      "</span> <code>{}</code></p>\n",
      escaped(run.suite_name()), look, escaped(ending), escaped(run.path));
  html += facts_html(run);
  if (run.notes.empty()) return html;
  html += "<ul class=\"warnings\">\n";
  for (const auto& note : run.notes) html += fmt::format("<li>{}</li>\n", escaped(note));
  return html + "</ul>\n";
}

Section summary_section(const RunData& run) {
  Section section{"summary", "Summary", ""};
  if (run.tasks.empty()) return section;
  section.html = "<ul class=\"sentences\">\n";
  for (const auto& task : run.tasks) section.html += fmt::format("<li>{}</li>\n", task_sentence_html(run, task));
  section.html += "</ul>\n";
  if (run.ending() == "interrupted" || run.ending() == "failed") {
    section.html += fmt::format(
        "<p>The run {}: what it learned up to its last checkpoint is kept, and the scores are "
        "of its last evaluation.</p>\n",
        run.ending() == "failed" ? "failed" : "was interrupted");
  }
  return section;
}

}  // namespace berth::report::html
