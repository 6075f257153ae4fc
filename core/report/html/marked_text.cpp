#include "core/report/html/marked_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/report/html/html_writer.h"
#include "core/text/utf8.h"

namespace berth::report::html {
namespace {

// "answer truth": the kinds that cover a stretch, each once.
std::string kinds_of(const std::vector<const TextMark*>& marks) {
  std::string kinds;
  for (const std::string kind : {"answer", "truth", "source"}) {
    const bool has = std::any_of(marks.begin(), marks.end(), [&](const TextMark* mark) { return mark->kind == kind; });
    if (has) kinds += kinds.empty() ? kind : " " + kind;
  }
  return kinds;
}

// Behind the last letter of a mark: what it is, for the eye where it has a name, for a screen reader always.
std::string tag_html(const TextMark& mark) {
  const auto kind = mark.kind == "truth" ? "expected" : mark.kind == "source" ? "copied from" : "answer";
  if (mark.label.empty()) return fmt::format("<span class=\"unseen\"> ({}) </span>", kind);
  return fmt::format(
      "<span class=\"tag {}\"><span class=\"unseen\"> ({}: </span>{}<span class=\"unseen\">) </span></span>", mark.kind,
      kind, escaped(mark.label));
}

// The first linked mark is the link; others that begin here have at least their ids, since links lead to them.
std::string stretch_html(const std::string& text_html, const std::vector<const TextMark*>& marks, std::size_t begin) {
  std::string content = text_html;
  bool is_linked = false;
  for (const auto* mark : marks) {
    if (mark->link <= 0) continue;
    const auto id = mark->begin == begin ? fmt::format(" id=\"{}\"", escaped(mark->id)) : std::string();
    if (is_linked) {
      content.insert(0, fmt::format("<span{}></span>", id));
    } else if (mark->target.empty()) {
      content = fmt::format("<span data-link=\"{}\"{}>{}</span>", mark->link, id, text_html);
    } else {
      content =
          fmt::format("<a href=\"#{}\" data-link=\"{}\"{}>{}</a>", escaped(mark->target), mark->link, id, text_html);
    }
    is_linked = true;
  }
  return fmt::format("<mark class=\"{}\">{}</mark>", kinds_of(marks), content);
}

}  // namespace

std::string marked_html(const std::string& text, std::vector<TextMark> marks) {
  std::set<std::size_t> cuts = {0, text.size()};
  for (auto& mark : marks) {
    mark.begin = berth::text::character_begin(text, mark.begin);
    mark.end = berth::text::character_begin(text, mark.end);
    if (mark.begin >= mark.end) continue;
    cuts.insert({mark.begin, mark.end});
  }
  std::string html;
  for (auto cut = cuts.begin(); std::next(cut) != cuts.end(); ++cut) {
    const auto begin = *cut;
    const auto end = *std::next(cut);
    std::vector<const TextMark*> covering;
    for (const auto& mark : marks) {
      if (mark.begin <= begin && end <= mark.end) covering.push_back(&mark);
    }
    const auto piece = escaped(std::string_view(text).substr(begin, end - begin));
    html += covering.empty() ? piece : stretch_html(piece, covering, begin);
    for (const auto* mark : covering) {
      if (mark->end == end) html += tag_html(*mark);
    }
  }
  return html;
}

}  // namespace berth::report::html
