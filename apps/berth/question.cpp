#include "apps/berth/question.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

#include "berth/error.h"

namespace berth::app {
namespace {

std::string trimmed(const std::string& text) {
  constexpr const char* kSpaces = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpaces);
  return begin == std::string::npos ? std::string() : text.substr(begin, text.find_last_not_of(kSpaces) + 1 - begin);
}

}  // namespace

bool is_asked_on_terminal() { return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1; }

std::string ask(const std::string& question, const std::string& standard,
                const std::function<std::string(const std::string&)>& complaint_of) {
  while (true) {
    fmt::print("{} [{}]: ", question, standard);
    std::fflush(stdout);
    std::string line;
    const bool has_ended = !std::getline(std::cin, line);
    if (has_ended) fmt::print("\n");
    auto answer = trimmed(line);
    if (answer.empty()) answer = standard;
    const auto complaint = complaint_of(answer);
    if (complaint.empty()) return answer;
    if (has_ended) throw Error(ErrorKind::kConfig, fmt::format("{}: {}", question, complaint));
    fmt::print("  {}\n", complaint);
  }
}

}  // namespace berth::app
