#include "core/suite/reference.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace berth::suite {
namespace {

std::string trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \r");
  return first == std::string_view::npos ? ""
                                         : std::string(text.substr(first, text.find_last_not_of(" \r") - first + 1));
}

// What stands between "before" and "after", if the text is so; nothing else.
std::optional<std::string> between(std::string_view text, std::string_view before, std::string_view after) {
  if (text.size() < before.size() + after.size() || text.substr(0, before.size()) != before ||
      text.substr(text.size() - after.size()) != after) {
    return std::nullopt;
  }
  return std::string(text.substr(before.size(), text.size() - before.size() - after.size()));
}

// "| a | b \| c |" -> "a", "b | c".
std::vector<std::string> cells_of(std::string_view line) {
  std::vector<std::string> cells;
  std::string cell;
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
      cell += line[++i];
    } else if (line[i] == '|') {
      cells.push_back(trim(cell));
      cell.clear();
    } else {
      cell += line[i];
    }
  }
  return cells;
}

class ReferenceReader {
 public:
  void read_line(const std::string& line) {
    if (line.rfind('#', 0) == 0) {
      section_ = between(line, "## `[", "]`");
      in_table_ = false;
      is_first_paragraph_ = true;
      if (section_) entries_[*section_];
    } else if (section_ && line.rfind('|', 0) == 0) {
      is_first_paragraph_ = false;
      read_row(cells_of(line));
    } else {
      in_table_ = false;
      if (section_) read_text(line);
    }
  }

  std::map<std::string, ReferenceEntry> take() { return std::move(entries_); }

 private:
  void read_row(const std::vector<std::string>& cells) {
    if (cells.size() != 3) return;
    if (cells[0] == "key") in_table_ = true;
    const auto key = between(cells[0], "`", "`");
    if (in_table_ && key) entries_[*section_ + "." + *key] = {cells[2], cells[1]};
  }

  void read_text(const std::string& line) {
    auto& text = entries_[*section_].text;
    if (line.empty() && !text.empty()) is_first_paragraph_ = false;
    if (!is_first_paragraph_ || line.empty()) return;
    text += (text.empty() ? "" : " ") + line;
  }

  std::map<std::string, ReferenceEntry> entries_;
  std::optional<std::string> section_;
  bool in_table_ = false;
  bool is_first_paragraph_ = true;
};

}  // namespace

std::map<std::string, ReferenceEntry> read_reference(std::string_view markdown) {
  ReferenceReader reader;
  for (std::size_t begin = 0; begin < markdown.size();) {
    const auto end = std::min(markdown.find('\n', begin), markdown.size());
    reader.read_line(trim(markdown.substr(begin, end - begin)));
    begin = end + 1;
  }
  return reader.take();
}

}  // namespace berth::suite
