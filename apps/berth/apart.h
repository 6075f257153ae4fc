// Runs a part of berth in a process of its own, whose end, however bad, is only told: for what runs plugins that nobody
// vouches for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace berth::app {

struct Apart {
  enum class End : std::uint8_t { kExit, kSignal, kTooLate, kInterrupted };

  End end = End::kExit;
  int code = 0;      // of kExit; the signal's number of kSignal
  std::string said;  // on standard output and error, without "berth: " in front and line ends behind

  // What a check that passed says: a process that a plugin ended by exit(0) says nothing of the kind.
  static constexpr std::string_view kPassed = "passed: ";
  bool passed() const { return end == End::kExit && said.rfind(kPassed, 0) == 0; }
};

// This program with the arguments. Killed after `seconds`, or when this process is interrupted. Throws Error kIo.
Apart run_apart(const std::vector<std::string>& arguments, std::int64_t seconds);

// "SIGSEGV".
std::string name_of_signal(int number);

// Loads a plugin's library and makes its task, apart: what went wrong there in a way that would take this process along
// ("ends the process by SIGILL when it is loaded"), or "". Other errors come again when it is loaded here.
std::string try_to_load(const std::filesystem::path& library);

}  // namespace berth::app
