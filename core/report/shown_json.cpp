#include "core/report/shown_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text/utf8.h"

namespace berth::report {
namespace {

constexpr std::string_view kLeftOut = "…";

// A text with U+FFFD for what is no UTF-8, and where its bytes went.
class ValidText {
 public:
  explicit ValidText(const std::string& text) {
    const char* const end = text.data() + text.size();
    starts_.reserve(text.size() + 1);
    for (const char* at = text.data(); at < end;) {
      const auto decoded = text::decode_utf8(at, end);
      starts_.insert(starts_.end(), decoded.bytes, text_.size());
      text::append_utf8(decoded.character, text_);
      at += decoded.bytes;
    }
    starts_.push_back(text_.size());
  }

  const std::string& text() const { return text_; }

  // The marks on the borders of characters: those that cover a part of a character cover it.
  std::vector<Mark> place(std::vector<Mark> marks) const {
    for (auto& mark : marks) {
      mark.begin = starts_[std::min(mark.begin, starts_.size() - 1)];
      mark.end = end_of(std::min(mark.end, starts_.size() - 1));
    }
    std::erase_if(marks, [](const Mark& mark) { return mark.begin >= mark.end; });
    return marks;
  }

 private:
  std::size_t end_of(std::size_t byte) const {
    while (byte > 0 && byte + 1 < starts_.size() && starts_[byte] == starts_[byte - 1]) ++byte;
    return starts_[byte];
  }

  std::string text_;
  std::vector<std::size_t> starts_;  // of the character that has this byte of the original; and the end
};

// Bytes of a text, half-open.
struct Stretch {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What the marks cover with `around` bytes on each side, joined where it meets.
std::vector<Stretch> stretches(std::string_view text, const std::vector<Mark>& marks, std::size_t around) {
  std::vector<Stretch> all;
  all.reserve(marks.size());
  for (const auto& mark : marks) {
    all.push_back({berth::text::character_begin(text, mark.begin - std::min(mark.begin, around)),
                   berth::text::character_begin(text, mark.end + around)});
  }
  std::sort(all.begin(), all.end(), [](const Stretch& a, const Stretch& b) { return a.begin < b.begin; });
  std::vector<Stretch> joined;
  for (const auto& one : all) {
    if (joined.empty() || one.begin > joined.back().end) {
      joined.push_back(one);
    } else {
      joined.back().end = std::max(joined.back().end, one.end);
    }
  }
  return joined;
}

std::size_t size_of(const std::vector<Stretch>& kept) {
  std::size_t size = 0;
  for (const auto& one : kept) size += one.end - one.begin;
  return size;
}

// The first of them, up to kShownBytes together.
std::vector<Stretch> cut(std::string_view text, const std::vector<Stretch>& all) {
  std::vector<Stretch> kept;
  std::size_t left = kShownBytes;
  for (const auto& one : all) {
    const auto end = std::min(one.end, berth::text::character_begin(text, one.begin + left));
    if (end <= one.begin) break;
    kept.push_back({one.begin, end});
    left -= end - one.begin;
  }
  return kept;
}

// What is kept of a text, in order.
std::vector<Stretch> kept_of(std::string_view text, const std::vector<Mark>& marks) {
  if (text.size() <= kShownBytes || marks.empty()) return cut(text, {{0, text.size()}});
  std::vector<Stretch> kept;
  for (std::size_t around = kShownBytes / 2;; around /= 2) {  // as much as fits
    kept = stretches(text, marks, around);
    if (around == 0 || size_of(kept) <= kShownBytes) break;
  }
  return cut(text, kept);
}

struct Excerpt {
  std::string text;
  std::vector<Mark> marks;
};

Excerpt excerpt(const std::string& text, const std::vector<Mark>& marks) {
  const ValidText valid(text);
  const auto placed = valid.place(marks);
  Excerpt result;
  std::size_t last = 0;
  for (const auto& kept : kept_of(valid.text(), placed)) {
    if (kept.begin > last) result.text += kLeftOut;
    for (auto mark : placed) {
      if (mark.begin < kept.begin || mark.begin >= kept.end) continue;
      mark.begin += result.text.size() - kept.begin;
      mark.end = std::min(mark.end, kept.end) + result.text.size() - kept.begin;
      result.marks.push_back(std::move(mark));
    }
    result.text.append(valid.text(), kept.begin, kept.end - kept.begin);
    last = kept.end;
  }
  if (last < valid.text().size()) result.text += kLeftOut;
  return result;
}

std::string shortened(const std::string& text) { return excerpt(text, {}).text; }

const char* name_of(MarkKind kind) {
  switch (kind) {
    case MarkKind::kTruth:
      return "truth";
    case MarkKind::kSource:
      return "source";
    case MarkKind::kAnswer:
      break;
  }
  return "answer";
}

Json text_json(const ShownText& shown) {
  const auto [text, marks] = excerpt(shown.text, shown.marks);
  auto list = Json::array();
  for (const auto& mark : marks) {
    Json one = {{"begin", mark.begin}, {"end", mark.end}, {"kind", name_of(mark.kind)}};
    if (!mark.label.empty()) one["label"] = shortened(mark.label);
    if (mark.link > 0) one["link"] = mark.link;
    list.push_back(std::move(one));
  }
  return {{"title", shortened(shown.title)}, {"text", text}, {"marks", std::move(list)}};
}

}  // namespace

Json shown_json(const Shown& shown, const Where& where) {
  auto texts = Json::array();
  for (const auto& text : shown.texts) texts.push_back(text_json(text));
  Json json = {{"texts", std::move(texts)}, {"answer", shortened(shown.answer)}, {"truth", shortened(shown.truth)}};
  // JSON has neither NaN nor infinity.
  json["error"] = std::isnan(shown.error) ? 0 : std::clamp(shown.error, 0.0, std::numeric_limits<double>::max());
  if (!shown.reason.empty()) json["reason"] = shortened(shown.reason);
  if (!where.file.empty()) json["file"] = shortened(where.file);
  if (where.line > 0) json["line"] = where.line;
  return json;
}

}  // namespace berth::report
