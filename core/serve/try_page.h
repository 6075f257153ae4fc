// The page of `berth serve` at "/": a form a task, whose answers are marked as in report.html. Works by POST
// /v1/show/NAME and a small script; style and script are files of their own, so that the page's policy forbids any that
// stand in it.
#pragma once

#include <string>
#include <vector>

namespace berth::serve {

struct ServedTask;

std::string try_page(const std::vector<ServedTask>& tasks, const std::string& checkpoint);
std::string try_style();   // the report's, and what forms need
std::string try_script();  // the report's, and the forms'

}  // namespace berth::serve
