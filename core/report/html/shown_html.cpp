#include "core/report/html/shown_html.h"

#include <fmt/format.h>

#include <map>

#include "core/report/html/html_writer.h"
#include "core/report/html/marked_text.h"
#include "core/report/html/run_data.h"

namespace berth::report {
namespace {

using html::escaped;
using html::Json;
using html::TextMark;

std::size_t byte_at(const Json& mark, const char* key) {
  const double value = html::number_at(mark, key);
  return value > 0 && value < 1e12 ? static_cast<std::size_t>(value) : 0;
}

struct Text {
  std::string title;
  std::string text;
  std::vector<TextMark> marks;
};

std::vector<Text> read_texts(const Json& shown, const std::string& id) {
  std::vector<Text> texts;
  std::size_t count = 0;
  for (const auto& part : html::part_at(shown, "texts")) {
    auto& text = texts.emplace_back();
    text.title = html::text_at(part, "title");
    text.text = html::text_at(part, "text");
    for (const auto& entry : html::part_at(part, "marks")) {
      auto& mark = text.marks.emplace_back();
      mark.begin = byte_at(entry, "begin");
      mark.end = byte_at(entry, "end");
      mark.kind = html::text_at(entry, "kind");
      if (mark.kind != "truth" && mark.kind != "source") mark.kind = "answer";
      mark.label = html::text_at(entry, "label");
      mark.link = static_cast<std::int64_t>(byte_at(entry, "link"));
      mark.id = fmt::format("{}-m{}", id, count++);
    }
  }
  return texts;
}

// Each mark leads to the next one with its number, the last one to the first. One without another leads nowhere.
void join_links(std::vector<Text>& texts) {
  std::map<std::int64_t, std::vector<TextMark*>> linked;
  for (auto& text : texts) {
    for (auto& mark : text.marks) {
      if (mark.link > 0 && mark.begin < mark.end && mark.begin < text.text.size()) linked[mark.link].push_back(&mark);
    }
  }
  for (auto& [link, marks] : linked) {
    for (std::size_t i = 0; marks.size() > 1 && i < marks.size(); ++i) {
      marks[i]->target = marks[(i + 1) % marks.size()]->id;
    }
  }
}

std::string line_html(const char* name, const std::string& css_class, const std::string& text) {
  return fmt::format("<div><dt>{}</dt><dd class=\"{}\" dir=\"auto\">{}</dd></div>\n", name, css_class,
                     text.empty() ? "<em>nothing</em>" : escaped(text));
}

}  // namespace

std::string shown_html(const nlohmann::ordered_json& shown, const std::string& id) {
  auto texts = read_texts(shown, id);
  join_links(texts);
  std::string html = "<div class=\"shown\">\n";
  for (auto& text : texts) {
    html += fmt::format("<p class=\"shown-title\">{}</p>\n<p class=\"shown-text\" dir=\"auto\">{}</p>\n",
                        escaped(text.title), html::marked_html(text.text, std::move(text.marks)));
  }
  html += "<dl class=\"verdict\">\n" + line_html("answer", "answer", html::text_at(shown, "answer"));
  const auto truth = html::text_at(shown, "truth");
  const bool is_wrong = html::number_at(shown, "error") > 0;
  if (!truth.empty() || is_wrong) html += line_html("expected", "truth", truth);
  if (const auto reason = html::text_at(shown, "reason"); !reason.empty()) html += line_html("why", "reason", reason);
  if (const auto file = html::text_at(shown, "file"); !file.empty()) {
    const double line = html::number_at(shown, "line");
    html += line_html("from", "place", line > 0 ? fmt::format("{}:{:.0f}", file, line) : file);
  }
  return html + "</dl>\n</div>\n";
}

}  // namespace berth::report
