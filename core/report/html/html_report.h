// report.html: one file that shows a run, or several side by side, to the person who made them. It needs no network and
// no script to be read, can be printed, and is the same bytes for the same files. Its charts are plain SVG: see plot.h.
// Called by `berth report`, at the end of `berth run`, and for each look at `berth run --watch`.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/report/html/html_page.h"
#include "core/report/html/run_data.h"
#include "core/report/run_folder.h"

namespace berth::report {

struct ReportOptions {
  std::vector<RunFolder> against;  // earlier runs that one run's scores are held against
  html::Refresh refresh = html::Refresh::kNever;
};

// runs: at least one; several stand side by side, without `against`. From the files of the folders alone: what a run
// that goes on lacks is left out.
std::string html_report(const std::vector<RunFolder>& runs, const ReportOptions& options);

// The same into a file. Throws Error kIo.
void write_html_report(const std::vector<RunFolder>& runs, const ReportOptions& options,
                       const std::filesystem::path& file);

// The scores behind the page, for programs:
// {"runs": [{"run", "suite", "ending", "tasks": [{"task", "plugin", "primary", "lower_is_better", "before", "majority",
// "failure", "sets": {SET: {SCORE: x}}}]}]}. Numbers that are not known are null.
html::Json runs_json(const std::vector<RunFolder>& runs);

}  // namespace berth::report
