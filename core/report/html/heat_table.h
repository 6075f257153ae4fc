// A table of numbers whose cells are shaded by how large they are: a confusion matrix, changes by layer. A table and no
// picture, so that a screen reader walks through it. Used by the sections.
#pragma once

#include <string>

#include "core/report/html/html_writer.h"

namespace berth::report::html {

// text: what the cell says. share: how dark it is, in [0, 1]; NaN: not at all.
Cell heat_cell(const std::string& text, double share);

}  // namespace berth::report::html
