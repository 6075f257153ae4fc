#include "core/report/html/heat_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace berth::report::html {

Cell heat_cell(const std::string& text, double share) {
  auto cell = text_cell(text);
  if (std::isfinite(share)) {
    cell.css_class = fmt::format("h{}", std::lround(8 * std::clamp(share, 0.0, 1.0)));  // h0 to h8 in page.css
  }
  return cell;
}

}  // namespace berth::report::html
