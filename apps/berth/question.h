// Questions on a terminal, each with an answer that Enter takes. Called by `berth init`.
#pragma once

#include <functional>
#include <string>

namespace berth::app {

// Whether somebody sits there who can answer.
bool is_asked_on_terminal();

// The answer, trimmed; `standard` where it is empty or the input has ended. complaint_of says what is wrong with an
// answer, "" where nothing is: it is asked again then. Throws Error kConfig where the input has ended and `standard`
// won't do either.
std::string ask(const std::string& question, const std::string& standard,
                const std::function<std::string(const std::string&)>& complaint_of);

}  // namespace berth::app
