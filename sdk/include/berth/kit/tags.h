// Tags of words that say where entities stand (B-person, I-person, O...): reading any of the usual schemes, writing
// one, and what may follow what. For every task that labels stretches of words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "berth/kit/labels.h"

namespace berth::kit {

// One word's tag: 'O' (outside), or 'B' (begin), 'I' (inside), 'E' (end), 'S' (single) with the entity's type.
struct Tag {
  char prefix = 'O';
  std::string type;  // "" of O

  friend bool operator==(const Tag&, const Tag&) = default;
};

// "B-person" is {'B', "person"}: the type is all that follows the first hyphen. A bare "B" has the type "_". L and U
// (BILOU), M and W (BMEWO) are read as the E and S, I and S that they are. Nothing for what is no tag.
std::optional<Tag> parse_tag(std::string_view text);

std::string to_string(const Tag& tag);

// An entity: the words [begin, end) of a sentence, at least one.
struct EntitySpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string type;

  friend bool operator==(const EntitySpan&, const EntitySpan&) = default;
};

// The entities of a sentence, in order, however its tags were meant: IOB1, IOB2 (BIO), IOBES and BILOU all read right.
// Where tags follow no scheme, an entity begins at a B or S, at an I or E after O, S, E or another type, and ends
// before O, B, S or another type: as conlleval and seqeval's default mode have it.
std::vector<EntitySpan> read_entities(const std::vector<Tag>& tags);

enum class TagScheme : std::uint8_t {
  kIob2,   // B begins every entity, I goes on
  kIobes,  // B, I, ..., E; an entity of one word is S
};

// "iob2" or "iobes"; the inverse throws Error kConfig for another name.
std::string_view to_string(TagScheme scheme);
TagScheme tag_scheme(std::string_view name);

// Only the entities that are written to the letter, as seqeval's strict mode has it: an I after O in IOB2 belongs to
// none; in IOBES an entity needs its E or S.
std::vector<EntitySpan> read_entities_strictly(const std::vector<Tag>& tags, TagScheme scheme);

// The tags of a scheme for some types, numbered: O is 0, then those of the first type (B, I, in IOBES also E, S), then
// those of the next.
class TagSet {
 public:
  TagSet() = default;
  TagSet(TagScheme scheme, LabelSet types) : scheme_(scheme), types_(std::move(types)) {}

  TagScheme scheme() const { return scheme_; }
  const LabelSet& types() const { return types_; }
  std::int64_t size() const { return 1 + types_.size() * per_type(); }

  Tag tag(std::int64_t index) const;
  std::vector<Tag> tags(const std::vector<std::int64_t>& indices) const;
  std::vector<std::string> names() const;  // by index: "O", "B-person", "I-person"...

  // The indices of a sentence's tags. Throws Error kContent, with the nearest name, for a type that is not one of
  // these.
  std::vector<std::int64_t> write(const std::vector<EntitySpan>& entities, std::size_t words, const Where& where) const;

  // What the scheme allows: a sentence that begins with this tag, ends with it, has `next` right after `previous`.
  bool may_begin(std::int64_t tag) const;
  bool may_end(std::int64_t tag) const;
  bool may_follow(std::int64_t previous, std::int64_t next) const;

 private:
  std::int64_t per_type() const { return scheme_ == TagScheme::kIob2 ? 2 : 4; }

  TagScheme scheme_ = TagScheme::kIob2;
  LabelSet types_;
};

}  // namespace berth::kit
