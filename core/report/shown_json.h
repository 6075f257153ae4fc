// An answer as people are shown it (berth/display.h), as JSON: what report.html and the page of `berth serve` draw, and
// what predictions/TASK.SET.shown.json keeps of the worst ones.
//   {"texts": [{"title", "text", "marks": [{"begin", "end", "kind": "answer"|"truth"|"source", "label", "link"}]}],
//    "answer", "truth", "error", "reason", "file", "line"}
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>

#include "berth/display.h"

namespace berth::report {

using Json = nlohmann::ordered_json;

// Of a text that is longer, parts are left out, with "…" in their place.
constexpr std::size_t kShownBytes = 4000;

// where: the example's. Whatever a plugin gave: texts are valid UTF-8, and of a long one what stands around the marks
// is kept (without marks, the beginning); begin and end count bytes of the text as it is here, on the borders of
// characters, and a mark of which nothing is left is gone; error is a finite number of at least 0. label, link, reason,
// file and line are left out where they are empty or 0.
Json shown_json(const Shown& shown, const Where& where);

}  // namespace berth::report
