#include "core/suite/toml_bounds.h"

#include <fmt/format.h>

namespace berth::suite {
namespace {

// Reads just as much of TOML's lexing as it takes to tell keys and brackets from strings and comments.
class BoundsScanner {
 public:
  BoundsScanner(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  void run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        skip_comment();
        continue;
      }
      look_at(c);
      ++at_;
    }
  }

 private:
  void look_at(char c) {
    switch (c) {
      case '\n':
        ++line_;
        line_start_ = at_ + 1;
        segments_ = 1;
        break;
      case '.':
        if (++segments_ > kMaxTomlDepth) refuse("a dotted key has more than {} parts");
        break;
      case '[':
      case '{':
        segments_ = 1;
        if (++depth_ > kMaxTomlDepth) refuse("brackets are nested more than {} deep");
        break;
      case ']':
      case '}':
        segments_ = 1;
        if (depth_ > 0) --depth_;
        break;
      case ',':
      case '=':
        segments_ = 1;
        break;
      default:
        break;
    }
  }

  void skip_comment() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }

  void skip_string(char quote) {
    const std::string triple(3, quote);
    const bool is_long = text_.substr(at_, 3) == triple;
    at_ += is_long ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        if (!is_long) return;  // not closed: the parser will say so
        ++line_;
        line_start_ = at_ + 1;
      } else if (c == '\\' && quote == '"' && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
        ++at_;
      } else if (c == quote && !is_long) {
        ++at_;
        return;
      } else if (c == quote && text_.substr(at_, 3) == triple) {
        at_ += 3;
        for (int extra = 0; extra < 2 && at_ < text_.size() && text_[at_] == quote; ++extra) ++at_;
        return;
      }
      ++at_;
    }
  }

  [[noreturn]] void refuse(fmt::format_string<const int&> what) const {
    const Where where{file_, line_, static_cast<std::int64_t>(at_ - line_start_) + 1};
    throw Error(ErrorKind::kConfig, where,
                fmt::format(what, kMaxTomlDepth) + ", more than a suite can need; write less");
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  std::int64_t line_ = 1;
  int segments_ = 1;
  int depth_ = 0;
};

}  // namespace

void check_toml_bounds(std::string_view text, const std::string& file) {
  if (text.size() > kMaxTomlBytes) {
    throw Error(
        ErrorKind::kConfig, Where{file},
        fmt::format("this is larger than {} bytes, more than a suite can need; is it the right file?", kMaxTomlBytes));
  }
  BoundsScanner(text, file).run();
}

}  // namespace berth::suite
