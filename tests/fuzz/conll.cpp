// CoNLL columns and JSON lines, as the plugin `ner` reads them. The first byte chooses the options.

#include "examples.h"
#include "fuzz.h"
#include "plugins/ner/reader.h"

using namespace berth;
using ner::NerExample;

namespace {

void check(const NerExample& example) {
  const std::size_t words = example.words.size();
  fuzz::require(example.places.size() == words, "a word has a place");
  std::size_t end = 0;
  for (std::size_t i = 0; i < words; ++i) {
    const Span& place = example.places[i];
    fuzz::require(place.begin >= end && place.begin < place.end && place.end <= example.text.size(),
                  "words stand in their text, one after another");
    fuzz::require(example.text.compare(place.begin, place.end - place.begin, example.words[i]) == 0,
                  "a word is what stands at its place");
    end = place.end;
  }
  fuzz::require(example.lines.empty() || example.lines.size() == words, "each word has a line or none has");
  if (!example.entities) return;
  end = 0;
  for (const kit::EntitySpan& entity : *example.entities) {
    fuzz::require(entity.begin >= end && entity.begin < entity.end && entity.end <= words,
                  "entities are stretches of words, one after another");
    fuzz::require(!entity.type.empty(), "an entity has a type");
    end = entity.end;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text_of(data, size);
  fuzz::Choices choices(input);
  const bool is_json = choices.flag();
  const bool is_special = choices.flag();  // a scheme and a column that are not the default, or `widen`
  const bool has_context = choices.flag();
  const bool is_split_at_edges = choices.flag();
  const bool has_comments = choices.flag();

  ner::NerReader reader(has_context ? 3 : 0);
  fuzz::DeclaredOptions options;
  reader.describe(options);
  options.set("format", is_json ? "jsonl" : "conll");
  options.set("scheme", is_special ? "iob2" : "any");
  options.set("word", is_special ? std::int64_t{2} : std::int64_t{1});
  options.set("widen", is_special);
  if (is_split_at_edges) options.set("split", "edges");
  if (has_comments) options.set("comment", "#");
  fuzz::read_examples(reader, input, [&](const Example& read) {
    const auto& example = static_cast<const NerExample&>(read);
    fuzz::require(example.where.line >= 1, "an example knows its line");
    fuzz::require(example.entities.has_value(), "an example has what it is to learn");
    check(example);
    const auto made_again = fuzz::made_again(reader, example);
    const auto& again = static_cast<const NerExample&>(*made_again);
    check(again);
    fuzz::require(again.words == example.words, "an example that is made again has the same words");
  });
  return 0;
}
