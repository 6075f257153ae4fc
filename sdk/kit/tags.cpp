#include "berth/kit/tags.h"

#include <utility>

#include "berth/error.h"

namespace berth::kit {
namespace {

constexpr std::string_view kNoType = "_";
constexpr std::string_view kPrefixes = "BIES";  // in the order of TagSet's numbers

std::optional<char> prefix_of(char letter) {
  switch (letter) {
    case 'B':
    case 'I':
    case 'E':
    case 'S':
      return letter;
    case 'L':
      return 'E';
    case 'M':
      return 'I';
    case 'U':
    case 'W':
      return 'S';
    default:
      return std::nullopt;
  }
}

bool is_outside(const Tag& tag) { return tag.prefix == 'O'; }

bool opens(const Tag& previous, const Tag& tag) {
  if (is_outside(tag)) return false;
  if (tag.prefix == 'B' || tag.prefix == 'S') return true;
  const bool goes_on = previous.prefix == 'B' || previous.prefix == 'I';
  return !goes_on || previous.type != tag.type;
}

bool closes(const Tag& previous, const Tag& tag) {
  if (is_outside(previous)) return false;
  const bool goes_on = previous.prefix == 'B' || previous.prefix == 'I';
  return !goes_on || (tag.prefix != 'I' && tag.prefix != 'E') || previous.type != tag.type;
}

// How many words an entity that is written to the letter has from `begin` on; 0: none begins there.
std::size_t strict_length(const std::vector<Tag>& tags, std::size_t begin, TagScheme scheme) {
  const Tag& first = tags[begin];
  if (scheme == TagScheme::kIobes && first.prefix == 'S') return 1;
  if (first.prefix != 'B') return 0;
  std::size_t end = begin + 1;
  while (end < tags.size() && tags[end] == Tag{'I', first.type}) ++end;
  if (scheme == TagScheme::kIob2) return end - begin;
  return end < tags.size() && tags[end] == Tag{'E', first.type} ? end + 1 - begin : 0;
}

}  // namespace

std::optional<Tag> parse_tag(std::string_view text) {
  if (text == "O") return Tag{};
  const std::optional<char> prefix = text.empty() ? std::nullopt : prefix_of(text.front());
  if (!prefix || (text.size() > 1 && text[1] != '-')) return std::nullopt;
  return Tag{*prefix, std::string(text.size() > 2 ? text.substr(2) : kNoType)};
}

std::string to_string(const Tag& tag) {
  return is_outside(tag) ? "O" : std::string(1, tag.prefix).append("-").append(tag.type);
}

std::vector<EntitySpan> read_entities(const std::vector<Tag>& tags) {
  std::vector<EntitySpan> entities;
  const Tag outside;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= tags.size(); ++i) {
    const Tag& previous = i == 0 ? outside : tags[i - 1];
    const Tag& tag = i == tags.size() ? outside : tags[i];
    if (closes(previous, tag)) entities.push_back({begin, i, previous.type});
    if (opens(previous, tag)) begin = i;
  }
  return entities;
}

std::string_view to_string(TagScheme scheme) { return scheme == TagScheme::kIob2 ? "iob2" : "iobes"; }

TagScheme tag_scheme(std::string_view name) {
  if (name == "iob2") return TagScheme::kIob2;
  if (name == "iobes") return TagScheme::kIobes;
  throw Error(ErrorKind::kConfig, "unknown tag scheme '" + std::string(name) + "'; expected 'iob2' or 'iobes'");
}

std::vector<EntitySpan> read_entities_strictly(const std::vector<Tag>& tags, TagScheme scheme) {
  std::vector<EntitySpan> entities;
  for (std::size_t i = 0; i < tags.size();) {
    const std::size_t length = strict_length(tags, i, scheme);
    if (length > 0) entities.push_back({i, i + length, tags[i].type});
    i += length > 0 ? length : 1;
  }
  return entities;
}

Tag TagSet::tag(std::int64_t index) const {
  if (index == 0) return {};
  return {kPrefixes[static_cast<std::size_t>((index - 1) % per_type())], types_.name((index - 1) / per_type())};
}

std::vector<Tag> TagSet::tags(const std::vector<std::int64_t>& indices) const {
  std::vector<Tag> result;
  result.reserve(indices.size());
  for (const std::int64_t index : indices) result.push_back(tag(index));
  return result;
}

std::vector<std::string> TagSet::names() const {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < size(); ++i) names.push_back(to_string(tag(i)));
  return names;
}

std::vector<std::int64_t> TagSet::write(const std::vector<EntitySpan>& entities, std::size_t words,
                                        const Where& where) const {
  std::vector<std::int64_t> indices(words, 0);
  for (const EntitySpan& entity : entities) {
    const std::int64_t begin = 1 + types_.index(entity.type, where) * per_type();
    const bool is_single = entity.end == entity.begin + 1;
    for (std::size_t i = entity.begin; i < entity.end; ++i) {
      std::int64_t prefix = i == entity.begin ? 0 : 1;
      if (scheme_ == TagScheme::kIobes && i + 1 == entity.end) prefix = is_single ? 3 : 2;
      indices.at(i) = begin + prefix;
    }
  }
  return indices;
}

bool TagSet::may_begin(std::int64_t tag) const { return may_follow(0, tag); }

bool TagSet::may_end(std::int64_t tag) const { return may_follow(tag, 0); }

bool TagSet::may_follow(std::int64_t previous, std::int64_t next) const {
  const auto prefix = [this](std::int64_t index) { return index == 0 ? -1 : (index - 1) % per_type(); };
  const bool same_type = previous != 0 && next != 0 && (previous - 1) / per_type() == (next - 1) / per_type();
  const bool is_open = previous != 0 && prefix(previous) <= 1;  // B or I: the entity may go on
  const bool goes_on = next != 0 && (prefix(next) == 1 || prefix(next) == 2);
  if (goes_on) return is_open && same_type;
  return scheme_ == TagScheme::kIob2 || !is_open;
}

}  // namespace berth::kit
