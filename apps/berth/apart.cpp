#include "apps/berth/apart.h"

#include <fmt/format.h>
#include <stdlib.h>
#include <string.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "apps/berth/interrupt.h"
#include "berth/error.h"
#include "core/platform/child_process.h"

namespace berth::app {
namespace fs = std::filesystem;
namespace {

// For what the process says; gone at the end.
class LogFolder {
 public:
  LogFolder() {
    auto name = (fs::temp_directory_path() / "berth-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw Error(ErrorKind::kIo, {name}, "can't be made; is TMPDIR writable?");
    path_ = name;
  }
  ~LogFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  LogFolder(const LogFolder&) = delete;
  LogFolder& operator=(const LogFolder&) = delete;

  fs::path log() const { return path_ / "log"; }

  std::string text() const {
    constexpr std::string_view kPrefix = "berth: ";
    std::ifstream in(log(), std::ios::binary);
    std::stringstream stream;
    stream << in.rdbuf();
    auto text = stream.str();
    if (text.rfind(kPrefix, 0) == 0) text.erase(0, kPrefix.size());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }

 private:
  fs::path path_;
};

// What a plugin gets to load, LibTorch included.
std::int64_t seconds_to_load() {
  constexpr std::int64_t kDefault = 60;
  const char* variable = std::getenv("BERTH_LOAD_SECONDS");
  const auto seconds = variable != nullptr ? std::atoll(variable) : 0;
  return seconds > 0 ? seconds : kDefault;
}

}  // namespace

Apart run_apart(const std::vector<std::string>& arguments, std::int64_t seconds) {
  const LogFolder logs;
  platform::ChildProcess child({arguments, logs.log()});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (;;) {
    if (const auto code = child.poll()) {
      const int signal = child.ending_signal();
      if (signal == 0) return {Apart::End::kExit, *code, logs.text()};
      return {Apart::End::kSignal, signal, logs.text()};
    }
    if (wants_stop()) return {Apart::End::kInterrupted, 0, ""};
    if (std::chrono::steady_clock::now() > end) return {Apart::End::kTooLate, 0, logs.text()};
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

std::string name_of_signal(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", number);
}

std::string try_to_load(const fs::path& library) {
  const auto seconds = seconds_to_load();
  const auto apart = run_apart({"validate-plugin", library.string(), "--only", "load", "--here"}, seconds);
  if (apart.passed()) return "";
  if (apart.end == Apart::End::kSignal) {
    return fmt::format("ends the process by {} when it is loaded", name_of_signal(apart.code));
  }
  if (apart.end == Apart::End::kTooLate) {
    return fmt::format("is not loaded within {} s (BERTH_LOAD_SECONDS gives it more)", seconds);
  }
  // Errors that berth itself tells have these codes.
  const bool is_error =
      apart.code >= static_cast<int>(ErrorKind::kConfig) && apart.code <= static_cast<int>(ErrorKind::kIo);
  if (apart.end == Apart::End::kExit && !is_error) {
    return fmt::format("ends the process with exit status {} when it is loaded", apart.code);
  }
  return "";
}

}  // namespace berth::app
