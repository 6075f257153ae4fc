// An example with its answer, as HTML: texts with what was found, what should have been and what was copied set off in
// them. Used by report.html and by the try page of `berth serve`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace berth::report {

// shown: an object as shown_json() makes them; what is missing in it or of another type is left out. id: begins the ids
// of the links between a word and its copy, so it must be unique on a page that has several. The result is styled by
// page_style(), and page_script() shows both ends of a link at once; without it they can be followed all the same.
std::string shown_html(const nlohmann::ordered_json& shown, const std::string& id = "shown");

}  // namespace berth::report
