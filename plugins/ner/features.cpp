#include "features.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "berth/kit/text.h"

namespace berth::ner {
namespace {

constexpr std::size_t kSpecials = 2;  // [CLS] and [SEP]

// Tokens [begin, end) of `from` go to the end of `to`, as words of the sentence or as context.
void append(Encoding& to, const Encoding& from, std::size_t begin, std::size_t end, bool is_context) {
  for (std::size_t i = begin; i < end; ++i) {
    to.ids.push_back(from.ids[i]);
    to.segments.push_back(0);
    to.offsets.push_back(from.offsets[i]);
    to.words.push_back(is_context ? Encoding::kNoWord : from.words[i]);
    to.specials.push_back(0);
  }
}

void append_special(Encoding& to, std::int32_t id) {
  to.ids.push_back(id);
  to.segments.push_back(0);
  to.offsets.emplace_back();
  to.words.push_back(Encoding::kNoWord);
  to.specials.push_back(1);
}

// The sentence amid its neighbours, or nothing where it leaves them no room. Both sides get the same room; what one
// does not need goes to the other. Context is cut between words.
std::optional<Encoding> encode_amid(const NerExample& example, const Tokenizer& tokenizer, std::size_t max_length,
                                    std::size_t context) {
  EncodeOptions options;
  options.truncation = Truncation::kNone;
  options.add_specials = false;
  const Encoding own = tokenizer.encode_words(example.words, options);
  if (own.size() + kSpecials >= max_length) return std::nullopt;
  const Encoding before = tokenizer.encode_words(example.before, options);
  const Encoding after = tokenizer.encode_words(example.after, options);
  const std::size_t room = max_length - kSpecials - own.size();
  const std::size_t wanted_left = std::min(before.size(), context);
  const std::size_t wanted_right = std::min(after.size(), context);
  std::size_t left = std::min(wanted_left, std::max(room / 2, room - std::min(room, wanted_right)));
  std::size_t right = std::min(wanted_right, room - left);
  const auto splits_word = [](const Encoding& encoding, std::size_t at) {
    return at > 0 && at < encoding.size() && encoding.words[at - 1] == encoding.words[at];
  };
  while (splits_word(before, before.size() - left)) --left;
  while (splits_word(after, right)) --right;

  Encoding encoding;
  append_special(encoding, tokenizer.cls_id());
  append(encoding, before, before.size() - left, before.size(), true);
  append(encoding, own, 0, own.size(), false);
  append(encoding, after, 0, right, true);
  append_special(encoding, tokenizer.sep_id());
  return encoding;
}

Places choose_places(const std::vector<Encoding>& windows, std::size_t words, std::size_t shared) {
  Places places(words);
  std::vector<std::size_t> first(words);  // of each word's tokens, counted over the sentence
  std::vector<std::size_t> context(words);
  std::size_t begin = 0;  // of the window's tokens in the sentence
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const Encoding& window = windows[w];
    const std::size_t size = window.size() - kSpecials;
    for (std::size_t i = 0; i < size; ++i) {
      if (window.words[i + 1] == Encoding::kNoWord) continue;
      const auto word = static_cast<std::size_t>(window.words[i + 1]);
      if (!places[word]) first[word] = begin + i;  // windows leave no gap, so this is the word's first token
      const std::size_t nearer = std::min(i, size - 1 - i);
      if (first[word] != begin + i || (places[word] && nearer <= context[word])) continue;
      places[word] = Place{w, i + 1};
      context[word] = nearer;
    }
    begin += size - std::min(size, shared);
  }
  return places;
}

// The entities as runs of the words that have tokens, which are numbered anew.
std::vector<kit::EntitySpan> among_kept(const std::vector<kit::EntitySpan>& entities, const Places& places) {
  std::vector<std::size_t> kept = {0};  // by word: how many before it have tokens
  for (const auto& place : places) kept.push_back(kept.back() + (place ? 1 : 0));
  std::vector<kit::EntitySpan> result;
  for (const kit::EntitySpan& entity : entities) {
    if (kept[entity.begin] < kept[entity.end]) result.push_back({kept[entity.begin], kept[entity.end], entity.type});
  }
  return result;
}

// The tag of a word's further tokens: its entity goes on, or ends here.
std::int64_t going_on(const kit::TagSet& tags, std::int64_t tag) {
  if (tag == 0) return 0;
  const char prefix = tags.tag(tag).prefix;
  return prefix == 'B' ? tag + 1 : (prefix == 'S' ? tag - 1 : tag);  // B, I, E, S stand in this order
}

std::vector<std::int64_t>& values(Feature& feature, const char* field) {
  return std::get<std::vector<std::int64_t>>(feature.fields.find(field)->second);
}

std::vector<Feature> unmarked(std::vector<Encoding> windows, bool has_targets) {
  std::vector<Feature> features(windows.size());
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const std::size_t size = windows[w].size();
    features[w].encoding = std::move(windows[w]);
    if (has_targets) features[w].fields[kTag] = std::vector<std::int64_t>(size, kNoTag);
    features[w].fields[kScored] = std::vector<std::int64_t>(size, 0);
    features[w].fields[kEdges] = std::vector<std::int64_t>(2, 0);
  }
  return features;
}

// Fills kScored and kEdges; tells in which windows words speak.
std::vector<bool> mark_scored(std::vector<Feature>& features, const Places& places) {
  std::vector<bool> speaks(features.size(), false);
  const Place* last = nullptr;
  for (const std::optional<Place>& place : places) {
    if (!place) continue;
    Feature& feature = features[place->window];
    values(feature, kScored)[place->token] = 1;
    if (last == nullptr) values(feature, kEdges)[0] = 1;
    speaks[place->window] = true;
    last = &*place;
  }
  if (last != nullptr) values(features[last->window], kEdges)[1] = 1;
  return speaks;
}

}  // namespace

std::vector<FieldSpec> feature_fields() {
  return {{kTag, FieldType::kInt64, FieldShape::kPerToken},
          {kScored, FieldType::kInt64, FieldShape::kPerToken, 1, FieldRole::kInput},
          {kEdges, FieldType::kInt64, FieldShape::kPerSequence, 2, FieldRole::kInput}};
}

std::vector<Feature> FeatureMaker::make(const NerExample& example, const Tokenizer& tokenizer,
                                        std::int64_t max_length) const {
  const std::int64_t shared = options_.stride >= 0 ? options_.stride : max_length / 4;
  if (shared > max_length - 3) {
    throw Error(ErrorKind::kConfig, "`stride` is " + std::to_string(shared) + ", but a window of max_length = " +
                                        std::to_string(max_length) + " tokens has " + std::to_string(max_length - 2) +
                                        " of the sentence; expected less than that");
  }
  std::optional<Encoding> amid;
  if (!example.before.empty() || !example.after.empty()) {
    amid = encode_amid(example, tokenizer, static_cast<std::size_t>(max_length),
                       static_cast<std::size_t>(options_.context));
  }
  std::vector<Encoding> windows;
  if (amid) {
    windows.push_back(*std::move(amid));
  } else {
    windows = tokenizer.windows_words(example.words, {max_length, shared, Truncation::kOnlyFirst});
  }
  const Places places = choose_places(windows, example.words.size(), static_cast<std::size_t>(shared));
  std::vector<Feature> features = unmarked(std::move(windows), example.entities.has_value());
  const std::vector<bool> speaks = mark_scored(features, places);
  if (example.entities) set_targets(features, places, example);

  const bool is_silent = std::find(speaks.begin(), speaks.end(), true) == speaks.end();
  std::vector<Feature> result;
  for (std::size_t w = 0; w < features.size(); ++w) {
    if (speaks[w] || (is_silent && w == 0)) result.push_back(std::move(features[w]));
  }
  return result;
}

// Throws Error kContent at the entity's own line where the task doesn't know its type.
void FeatureMaker::check_type(const kit::EntitySpan& entity, const NerExample& example) const {
  Where where = example.where;
  if (entity.begin < example.lines.size()) where.line = example.lines[entity.begin];
  const std::vector<std::string>& known = tags_->types().names();
  if (tags_->types().find(entity.type)) return;
  throw Error(
      ErrorKind::kContent, where,
      "unknown type " + kit::quote_for_message(entity.type) + kit::suggest_name(entity.type, known) +
          "; the task's types are " + kit::list_names(known) +
          ". Correct it, map it to one of them or to \"O\" with `label_map`, or name those that count in `types`");
}

void FeatureMaker::set_targets(std::vector<Feature>& features, const Places& places, const NerExample& example) const {
  const auto kept = std::count_if(places.begin(), places.end(), [](const auto& place) { return place.has_value(); });
  for (const kit::EntitySpan& entity : *example.entities) check_type(entity, example);
  const std::vector<std::int64_t> tags =
      tags_->write(among_kept(*example.entities, places), static_cast<std::size_t>(kept), example.where);
  auto tag = tags.begin();
  for (const std::optional<Place>& place : places) {
    if (!place) continue;
    Feature& feature = features[place->window];
    std::vector<std::int64_t>& targets = values(feature, kTag);
    targets[place->token] = *tag;
    const auto& words = feature.encoding.words;
    for (std::size_t i = place->token + 1; options_.all_subwords && words[i] == words[place->token]; ++i) {
      targets[i] = going_on(*tags_, *tag);
    }
    ++tag;
  }
}

}  // namespace berth::ner
