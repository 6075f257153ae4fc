// What a chart says in words, for those who do not see it. Used by plot.cpp.
#pragma once

#include <string>

#include "core/report/html/plot.h"

namespace berth::report::html {

bool is_drawn(const PlotPoint& point);

// "step 10", "inbox"
std::string x_text(const Plot& plot, double x);

// What each series does: "loss: from 1.6 at step 10 to 0.4 at step 640, least 0.3, most 1.7."
std::string description_of(const Plot& plot);

}  // namespace berth::report::html
