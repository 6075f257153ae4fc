// The pieces that pages of HTML are made of. What comes from files goes through escaped(); everything that is named
// ..._html holds markup already. Used by the sections of report.html, by svg_chart, and by the page of `berth serve`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::report::html {

// Text for between tags or within a quoted attribute. What HTML gives a meaning is escaped; broken UTF-8 and control
// characters, but for tab and line feed, become U+FFFD, so that the page is UTF-8 whatever a file held.
std::string escaped(std::string_view text);

// At most `letters` characters, an ellipsis in place of the rest. Not escaped.
std::string shortened(const std::string& text, std::size_t letters);

// "0.7900", "93.07"; "–" for what is no number.
std::string score_text(double value);

// "27,919,906"
std::string count_text(std::int64_t count);

enum class CellKind : std::uint8_t { kText, kNumber };

struct Cell {
  std::string html;
  std::string css_class;  // "" for none
};

Cell text_cell(std::string_view text);

struct Column {
  std::string title;
  CellKind kind = CellKind::kNumber;
};

struct Table {
  std::string caption;  // what it shows; for all to read
  std::vector<Column> columns;
  std::vector<std::vector<Cell>> rows;  // the first cell of each is its header; as many as columns
  std::string note = {};                // below the caption; "" for none
};

// In a box of its own that scrolls sideways, so that the page need not.
std::string table_html(const Table& table);

// What was cut to `most`: how many more there are, and where. "" where all are shown.
std::string more_html(std::size_t all, std::size_t most, std::string_view place = "");

// A box like that of a chart, and boxes and charts beside each other as there is room. "" around nothing.
std::string card_html(const std::string& content_html);
std::string cards_html(const std::string& cards);

// key: unique on the page; the live page remembers by it what was opened.
std::string details_html(const std::string& key, const std::string& summary, const std::string& content_html);

}  // namespace berth::report::html
