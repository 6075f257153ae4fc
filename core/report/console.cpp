#include "core/report/console.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace berth::report {
namespace {

constexpr int kBarWidth = 24;

std::size_t terminal_width(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// A dumb terminal, such as an editor's, would show the codes that draw over a line.
bool is_terminal(std::FILE* out) {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(out)) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

}  // namespace

Console::Console(std::FILE* out) : out_(out), is_terminal_(report::is_terminal(out)) {}

void Console::line(const std::string& text) {
  clear_bar();
  write(text + "\n");
}

void Console::progress(const Progress& progress) {
  const auto left = fmt::format("{} left", format_duration(progress.seconds_left));
  if (!is_terminal_) {
    line(fmt::format("{}  {}", progress.text, left));
    return;
  }
  const int filled = std::clamp(static_cast<int>(std::lround(progress.share * kBarWidth)), 0, kBarWidth);
  auto text = fmt::format("[{:#<{}}{:.<{}}] {:3.0f}%  {}  {}", "", filled, "", kBarWidth - filled, 100 * progress.share,
                          progress.text, left);
  text.resize(std::min(text.size(), terminal_width(fileno(out_)) - 1));
  write("\r\x1b[K" + text);
  bar_shown_ = true;
}

void Console::clear_bar() {
  if (bar_shown_) write("\r\x1b[K");
  bar_shown_ = false;
}

// A reader that is gone must not end a run, whose answer is its folder: nor make it one that failed.
void Console::write(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);
  std::clearerr(out_);
}

std::string format_duration(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace berth::report
