// page.css and page.js, which core/CMakeLists.txt puts into the program as bytes. Used by html_page, and by whoever
// writes a page of their own that shows answers.
#pragma once

#include <string_view>

namespace berth::report {

std::string_view page_style();
std::string_view page_script();

}  // namespace berth::report
