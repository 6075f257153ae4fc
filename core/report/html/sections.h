// The parts of report.html, each of the runs that it is told. Each takes what it needs from RunData alone, and gives
// "" as its HTML where the run has nothing to say there. Called by html_report.
#pragma once

#include <string>
#include <vector>

#include "core/report/html/html_page.h"
#include "core/report/html/run_data.h"

namespace berth::report::html {

// How the run ended and its figures, for the page's head.
std::string header_html(const RunData& run);

// A sentence for each task: its score, against what needs no learning; whether it learned.
Section summary_section(const RunData& run);

// against: earlier runs to hold the scores against; may be empty.
Section scores_section(const RunData& run, const std::vector<RunData>& against);

Section curves_section(const RunData& run);
Section optimizer_section(const RunData& run);
Section mixing_section(const RunData& run);
Section plan_section(const RunData& run);
Section answers_section(const RunData& run);
Section analysis_section(const RunData& run);
Section running_section(const RunData& run);
Section origin_section(const RunData& run);

// Several runs.
std::string runs_header_html(const std::vector<RunData>& runs);
Section runs_scores_section(const std::vector<RunData>& runs);
Section runs_curves_section(const std::vector<RunData>& runs);
Section runs_settings_section(const std::vector<RunData>& runs);
Section runs_running_section(const std::vector<RunData>& runs);
Section runs_origin_section(const std::vector<RunData>& runs);

}  // namespace berth::report::html
