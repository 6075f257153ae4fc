#include "tokenize.h"

#include <limits>
#include <string>
#include <vector>

#include "fuzz.h"

namespace berth::fuzz {
namespace {

constexpr std::int64_t kShort = 8;

// sizes: bytes of the text of each segment.
void check(const Encoding& encoding, const Tokenizer& tokenizer, const std::vector<std::size_t>& sizes,
           std::int64_t max_length) {
  const std::size_t size = encoding.size();
  require(static_cast<std::int64_t>(size) <= max_length, "no more tokens than were asked for");
  require(encoding.segments.size() == size && encoding.offsets.size() == size && encoding.words.size() == size &&
              encoding.specials.size() == size,
          "an encoding's vectors are equally long");
  for (std::size_t i = 0; i < size; ++i) {
    const Span& place = encoding.offsets[i];
    require(tokenizer.has_id(encoding.ids[i]), "an id is one of the vocabulary");
    require(encoding.segments[i] < sizes.size(), "a segment is one of the texts");
    require(place.begin <= place.end && place.end <= sizes[encoding.segments[i]], "offsets lie in the text");
    require(encoding.words[i] >= Encoding::kNoWord, "a word is a word's index");
  }
}

}  // namespace

void tokenize_all_ways(const Tokenizer& tokenizer, std::string_view text) {
  const auto whole = tokenizer.encode(text, {});
  check(whole, tokenizer, {text.size()}, std::numeric_limits<std::int64_t>::max());
  check(tokenizer.encode(text, {kShort}), tokenizer, {text.size()}, kShort);
  tokenizer.decode(whole.ids);
  for (const auto id : whole.ids) tokenizer.token(id);

  const std::string_view first = text.substr(0, text.size() / 3);
  const std::string_view second = text.substr(first.size());
  check(tokenizer.encode_pair(first, second, {kShort}), tokenizer, {first.size(), second.size()}, kShort);
  // A first text that leaves no room for the second is refused.
  accepts({ErrorKind::kContent}, [&] {
    for (const Encoding& window : tokenizer.windows_pair(first, second, {kShort, 2})) {
      check(window, tokenizer, {first.size(), second.size()}, kShort);
    }
  });
  for (const Encoding& window : tokenizer.windows(text, {kShort, 2})) check(window, tokenizer, {text.size()}, kShort);

  const std::vector<std::string> words = {std::string(first), std::string(second)};
  const Encoding split = tokenizer.encode_words(words, {});
  for (std::size_t i = 0; i < split.size(); ++i) {
    if (split.words[i] == Encoding::kNoWord) continue;
    require(static_cast<std::size_t>(split.words[i]) < words.size(), "a word is one of those given");
    require(split.offsets[i].end <= words[static_cast<std::size_t>(split.words[i])].size(), "offsets lie in the word");
  }
}

}  // namespace berth::fuzz
