#include "core/report/html/html_report.h"

#include <algorithm>
#include <cmath>

#include "core/platform/whole_file.h"
#include "core/report/html/sections.h"

namespace berth::report {
namespace {

using html::Json;
using html::RunData;

// Runs whose folders have the same name are told apart by their paths.
std::vector<RunData> read_runs(const std::vector<RunFolder>& folders) {
  std::vector<RunData> runs;
  runs.reserve(folders.size());
  for (const auto& folder : folders) runs.push_back(html::read_run(folder));
  std::vector<std::string> names;
  names.reserve(runs.size());
  for (const auto& run : runs) names.push_back(run.name);
  for (auto& run : runs) {
    if (std::count(names.begin(), names.end(), run.name) > 1) run.name = run.path;
  }
  return runs;
}

html::Page page_of(const RunData& run, const std::vector<RunData>& against) {
  html::Page page;
  page.title = run.suite_name() + " - berth";
  page.header_html = html::header_html(run);
  page.sections = {html::summary_section(run),   html::scores_section(run, against), html::curves_section(run),
                   html::optimizer_section(run), html::mixing_section(run),          html::plan_section(run),
                   html::answers_section(run),   html::analysis_section(run),        html::running_section(run),
                   html::origin_section(run)};
  return page;
}

html::Page page_of(const std::vector<RunData>& runs) {
  html::Page page;
  page.title = std::to_string(runs.size()) + " runs - berth";
  page.header_html = html::runs_header_html(runs);
  page.sections = {html::runs_scores_section(runs), html::runs_curves_section(runs), html::runs_settings_section(runs),
                   html::runs_running_section(runs), html::runs_origin_section(runs)};
  return page;
}

Json optional_json(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json task_json(const html::TaskRun& task) {
  Json json = {{"task", task.name}, {"plugin", task.plugin}};
  json["primary"] = task.primary.empty() ? Json(nullptr) : Json(task.primary);
  json["lower_is_better"] = task.is_lower_better;
  json["before"] = optional_json(task.before);
  json["majority"] = optional_json(task.majority);
  json["failure"] = task.failure.empty() ? Json(nullptr) : Json(task.failure);
  json["sets"] = Json::object();
  for (const auto& [set, scores] : task.newest_scores()) {
    for (const auto& [name, value] : scores) json["sets"][set][name] = std::isfinite(value) ? Json(value) : Json();
  }
  return json;
}

}  // namespace

std::string html_report(const std::vector<RunFolder>& runs, const ReportOptions& options) {
  const auto data = read_runs(runs);
  auto page = data.size() == 1 ? page_of(data.front(), read_runs(options.against)) : page_of(data);
  page.refresh = options.refresh;
  return html::page_html(page);
}

void write_html_report(const std::vector<RunFolder>& runs, const ReportOptions& options,
                       const std::filesystem::path& file) {
  platform::write_text(file, html_report(runs, options));
}

Json runs_json(const std::vector<RunFolder>& runs) {
  Json json = {{"runs", Json::array()}};
  for (const auto& run : read_runs(runs)) {
    Json tasks = Json::array();
    for (const auto& task : run.tasks) tasks.push_back(task_json(task));
    json["runs"].push_back(
        {{"run", run.path}, {"suite", run.suite_name()}, {"ending", run.ending()}, {"tasks", std::move(tasks)}});
  }
  return json;
}

}  // namespace berth::report
