// A text with marks in it, as HTML. Used by shown_html.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace berth::report::html {

struct TextMark {
  std::size_t begin = 0;  // bytes of the text, half-open
  std::size_t end = 0;
  std::string kind;         // "answer", "truth" or "source"
  std::string label;        // may be empty
  std::int64_t link = 0;    // above 0: belongs to the marks with the same number
  std::string id = {};      // of its element
  std::string target = {};  // id of the mark that it leads to; "" for none
};

// Marks may overlap: each stretch of the text that has the same marks is one element. Ends within a character are moved
// to its begin; what lies outside of the text is cut.
std::string marked_html(const std::string& text, std::vector<TextMark> marks);

}  // namespace berth::report::html
