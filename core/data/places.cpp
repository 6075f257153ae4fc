#include "core/data/places.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace berth::data {

void Places::add(const Where& where) {
  const auto example = static_cast<std::int64_t>(lines_.size());
  if (files_.empty() || files_.back().second != where.file) files_.emplace_back(example, where.file);
  lines_.held().push_back(where.line);
}

Where Places::of(std::int64_t example) const {
  const auto after = std::upper_bound(files_.begin(), files_.end(), example,
                                      [](std::int64_t of, const auto& file) { return of < file.first; });
  return {std::prev(after)->second, lines_[static_cast<std::size_t>(example)]};
}

std::string describe(const std::vector<Where>& places, std::size_t most) {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> files;
  for (std::size_t i = 0; i < std::min(most, places.size()); ++i) {
    const auto& place = places[i];
    const auto known =
        std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.first == place.file; });
    auto& lines = known == files.end() ? files.emplace_back(place.file, std::vector<std::int64_t>()) : *known;
    lines.second.push_back(place.line);
  }
  std::vector<std::string> texts;
  texts.reserve(files.size());
  for (const auto& [file, lines] : files) {
    texts.push_back(fmt::format("{}, line{} {}", file, lines.size() == 1 ? "" : "s", fmt::join(lines, ", ")));
  }
  auto text = fmt::format("{}", fmt::join(texts, "; "));
  if (places.size() > most) text += fmt::format(" and {} more", places.size() - most);
  return text;
}

}  // namespace berth::data
