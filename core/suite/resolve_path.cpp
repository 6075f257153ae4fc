#include "core/suite/resolve_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "core/suite/toml_writer.h"

namespace berth::suite {
namespace {

bool is_variable_name(const std::string& name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_allowed);
}

class Expander {
 public:
  Expander(const std::string& text, const Where& where, const std::string& owner)
      : text_(text), where_(where), owner_(owner) {}

  std::string run() {
    std::string result;
    for (std::size_t i = 0; i < text_.size();) {
      if (text_.compare(i, 3, "$${") == 0) {
        result += "${";
        i += 3;
      } else if (text_.compare(i, 2, "${") == 0) {
        const auto close = text_.find('}', i);
        if (close == std::string::npos) fail("has a '${' without a '}'; close it, or write '$${' for the characters");
        result += variable(text_.substr(i + 2, close - i - 2));
        i = close + 1;
      } else {
        result += text_[i++];
      }
    }
    return result;
  }

 private:
  std::string variable(const std::string& name) const {
    if (!is_variable_name(name)) fail(fmt::format("names '{}', which no environment variable can be called", name));
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) {
      fail(fmt::format("needs the environment variable {0}, which is not set; run with {0}=... in front", name));
    }
    return value;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kConfig, where_, fmt::format("{} {}", owner_, what));
  }

  const std::string& text_;
  const Where& where_;
  const std::string& owner_;
};

}  // namespace

std::filesystem::path resolve_path(const std::string& text, const std::filesystem::path& folder, const Where& where,
                                   const std::string& owner) {
  const auto expanded = Expander(text, where, owner).run();
  if (expanded.empty()) throw Error(ErrorKind::kConfig, where, owner + " is empty; write a path");
  if (expanded == "-") return expanded;
  auto path = (folder / expanded).lexically_normal();
  if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
  if (path.native().find('\0') != std::string::npos || !is_utf8(path.native())) {
    throw Error(ErrorKind::kConfig, where, owner + " must be UTF-8 without NUL characters; rename the file or folder");
  }
  return path;
}

std::string path_to_toml(const std::filesystem::path& path) {
  std::string escaped;
  const auto& text = path.native();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 2, "${") == 0) escaped += '$';
    escaped += text[i];
  }
  return to_toml(escaped);
}

}  // namespace berth::suite
