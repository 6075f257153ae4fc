// What a run says to the person in front of it: a progress bar on a terminal that can draw over a line, plain lines
// elsewhere. No colours, so that NO_COLOR has nothing to switch off.
#pragma once

#include <cstdio>
#include <string>

namespace berth::report {

class Console {
 public:
  explicit Console(std::FILE* out);

  void line(const std::string& text);  // a line feed is added

  struct Progress {
    double share = 0;         // of all steps
    std::string text;         // "step 20/640  loss 0.41  58 examples/s"
    double seconds_left = 0;  // estimated
  };
  // On a terminal the bar is drawn over; elsewhere it is a line, which the caller asks for rarely.
  void progress(const Progress& progress);

  // Of a kind that lines can be drawn over on.
  bool is_terminal() const { return is_terminal_; }

 private:
  void clear_bar();
  void write(const std::string& text);

  std::FILE* out_;
  bool is_terminal_;
  bool bar_shown_ = false;
};

std::string format_duration(double seconds);  // "1:02:03", "2:03", "4.2 s"

}  // namespace berth::report
