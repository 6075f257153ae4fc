#include "core/report/html/html_writer.h"

#include <fmt/format.h>

#include <cmath>

#include "core/text/utf8.h"

namespace berth::report::html {
namespace {

bool is_refused(char32_t c) {
  return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7F && c < 0xA0) || (c >= 0xFDD0 && c <= 0xFDEF) ||
         (c & 0xFFFE) == 0xFFFE;
}

void append_escaped(char32_t c, std::string& result) {
  switch (c) {
    case '&':
      result += "&amp;";
      break;
    case '<':
      result += "&lt;";
      break;
    case '>':
      result += "&gt;";
      break;
    case '"':
      result += "&quot;";
      break;
    case '\'':
      result += "&#39;";
      break;
    default:
      text::append_utf8(is_refused(c) ? text::kReplacement : c, result);
  }
}

std::string class_attribute(const std::string& css_class) {
  return css_class.empty() ? "" : fmt::format(" class=\"{}\"", css_class);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string result;
  result.reserve(text.size() + text.size() / 8);
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at < end;) {
    const auto next = text::decode_utf8(at, end);
    at += next.bytes;
    if (next.character == '\r' && at < end && *at == '\n') continue;  // lines that end as on Windows
    append_escaped(next.character, result);
  }
  return result;
}

std::string shortened(const std::string& text, std::size_t letters) {
  const char* const end = text.data() + text.size();
  std::size_t count = 0;
  const char* cut = text.data();  // behind the last letter that leaves room for the ellipsis
  for (const char* at = text.data(); at < end; ++count) {
    if (count == letters) return std::string(text.data(), cut) + "\u2026";
    at += text::decode_utf8(at, end).bytes;
    if (count + 2 <= letters) cut = at;
  }
  return text;
}

std::string score_text(double value) {
  if (!std::isfinite(value)) return "\u2013";
  return std::abs(value) < 10 ? fmt::format("{:.4f}", value) : fmt::format("{:.2f}", value);
}

std::string count_text(std::int64_t count) {
  const auto digits = fmt::format("{}", count);
  std::string text;
  text.reserve(digits.size() * 4 / 3);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const auto left = digits.size() - i;
    if (i > 0 && left % 3 == 0 && digits[i - 1] != '-') text += ',';
    text += digits[i];
  }
  return text;
}

Cell text_cell(std::string_view text) { return {escaped(text), ""}; }

std::string table_html(const Table& table) {
  const auto caption = escaped(table.caption);
  auto html = fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{0}\">\n<table>\n<caption><span>{0}", caption);
  if (!table.note.empty()) html += fmt::format("<span class=\"note\">{}</span>", escaped(table.note));
  html += "</span></caption>\n<thead><tr>";
  for (const auto& column : table.columns) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", column.kind == CellKind::kText ? " class=\"text\"" : "",
                        escaped(column.title));
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) {
      auto css_class = row[i].css_class;
      if (i > 0 && table.columns[i].kind == CellKind::kText) css_class += css_class.empty() ? "text" : " text";
      const auto attribute = class_attribute(css_class);
      html += i == 0 ? fmt::format("<th scope=\"row\"{}>{}</th>", attribute, row[i].html)
                     : fmt::format("<td{}>{}</td>", attribute, row[i].html);
    }
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string more_html(std::size_t all, std::size_t most, std::string_view place) {
  if (all <= most) return "";
  return fmt::format("<p class=\"note\">and {} more{}{}</p>\n", count_text(static_cast<std::int64_t>(all - most)),
                     place.empty() ? "" : ", in ", escaped(place));
}

std::string card_html(const std::string& content_html) {
  return content_html.empty() ? "" : "<div class=\"chart\">\n" + content_html + "</div>\n";
}

std::string cards_html(const std::string& cards) {
  return cards.empty() ? "" : "<div class=\"charts\">\n" + cards + "</div>\n";
}

std::string details_html(const std::string& key, const std::string& summary, const std::string& content_html) {
  return fmt::format("<details id=\"{}\"><summary>{}</summary>\n{}</details>\n", escaped(key), escaped(summary),
                     content_html);
}

}  // namespace berth::report::html
