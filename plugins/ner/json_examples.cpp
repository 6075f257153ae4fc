#include "json_examples.h"

#include <algorithm>
#include <utility>

#include "berth/kit/text.h"
#include "conll.h"
#include "words.h"

namespace berth::ner {
namespace {

Splitting splitting_of(const std::string& name) {
  if (name == "space") return Splitting::kSpace;
  return name == "edges" ? Splitting::kAtEdges : Splitting::kPunctuation;
}

// A stretch of the text as the row says it, in code points.
struct Stretch {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::string type;
};

[[noreturn]] void refuse(const NerExample& example, const std::string& text) {
  throw Error(ErrorKind::kContent, example.where, text);
}

const kit::Json::Array& list(const kit::Json& value, const std::string& field, const std::string& of,
                             const NerExample& example) {
  if (value.is_array()) return value.as_array();
  refuse(example, "the field '" + field + "' is " + std::string(value.type_name()) + "; expected a list of " + of);
}

// {"start": 0, "end": 5, "label": "person"} or [0, 5, "person"].
Stretch read_stretch(const kit::Json& value, const DataOptions& options, const NerExample& example) {
  const kit::Json* parts[3] = {value.find("start"), value.find("end"), value.find("label")};
  if (value.is_array() && value.as_array().size() == 3) {
    for (std::size_t i = 0; i < 3; ++i) parts[i] = &value.as_array()[i];
  }
  const bool is_whole = parts[0] != nullptr && parts[1] != nullptr && parts[2] != nullptr && parts[0]->is_int() &&
                        parts[1]->is_int() && parts[2]->is_string() && !parts[2]->as_string().empty();
  if (is_whole) return {parts[0]->as_int(), parts[1]->as_int(), parts[2]->as_string()};
  refuse(example, "an entry of '" + options.entities + "' is " + kit::quote_for_message(kit::dump_json(value)) +
                      "; expected {\"start\": 0, \"end\": 5, \"label\": \"person\"} or [0, 5, \"person\"], counted in "
                      "characters");
}

// Stretches of a text become runs of its words.
class StretchReader {
 public:
  StretchReader(const NerExample& example, const DataOptions& options)
      : example_(example), options_(options), code_points_(example.text) {}

  kit::EntitySpan read(const Stretch& stretch) const {
    const auto size = static_cast<std::int64_t>(code_points_.size());
    if (stretch.begin < 0 || stretch.end > size || stretch.begin >= stretch.end) {
      refuse(example_, name(stretch) + " is no stretch of the text, which has " + std::to_string(size) +
                           " characters; expected 0 <= start < end <= " + std::to_string(size));
    }
    const auto begin = static_cast<std::uint32_t>(code_points_.byte(static_cast<std::size_t>(stretch.begin)));
    const auto end = static_cast<std::uint32_t>(code_points_.byte(static_cast<std::size_t>(stretch.end)));
    const auto first = std::upper_bound(example_.places.begin(), example_.places.end(), begin,
                                        [](std::uint32_t at, const Span& place) { return at < place.end; });
    const auto last = std::lower_bound(first, example_.places.end(), end,
                                       [](const Span& place, std::uint32_t at) { return place.begin < at; });
    if (first == last) refuse(example_, name(stretch) + " holds no word; correct `start` and `end`");
    if (!options_.widen) {
      check_border(stretch, *first, begin > first->begin);
      check_border(stretch, *(last - 1), end < (last - 1)->end);
    }
    const auto index = [&](auto at) { return static_cast<std::size_t>(at - example_.places.begin()); };
    return {index(first), index(last), stretch.type};
  }

 private:
  static std::string name(const Stretch& stretch) {
    return "the entity " + kit::quote_for_message(stretch.type) + " from " + std::to_string(stretch.begin) + " to " +
           std::to_string(stretch.end);
  }

  void check_border(const Stretch& stretch, const Span& word, bool is_within) const {
    if (!is_within) return;
    refuse(example_, name(stretch) + " begins or ends within the word " +
                         kit::quote_for_message(example_.text.substr(word.begin, word.end - word.begin)) +
                         "; correct it, or set widen = true, which takes the whole word");
  }

  const NerExample& example_;
  const DataOptions& options_;
  CodePoints code_points_;
};

std::vector<kit::EntitySpan> read_entities(const kit::Json& value, const DataOptions& options,
                                           const NerExample& example) {
  const StretchReader reader(example, options);
  std::vector<kit::EntitySpan> entities;
  for (const kit::Json& entry : list(value, options.entities, "entities", example)) {
    entities.push_back(reader.read(read_stretch(entry, options, example)));
  }
  entities = map_types(std::move(entities), options);
  std::stable_sort(entities.begin(), entities.end(),
                   [](const kit::EntitySpan& a, const kit::EntitySpan& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < entities.size(); ++i) {
    if (entities[i].begin >= entities[i - 1].end) continue;
    refuse(example, "two entities, " + kit::quote_for_message(entities[i - 1].type) + " and " +
                        kit::quote_for_message(entities[i].type) + ", share the word " +
                        kit::quote_for_message(example.words[entities[i].begin]) +
                        "; a word can belong to one entity only: leave one out, or drop its type with `label_map`");
  }
  return entities;
}

void read_split(const kit::Record& record, const DataOptions& options, bool is_labelled, NerExample& example) {
  std::vector<std::string> words;
  for (const kit::Json& token : list(record.at(options.tokens), options.tokens, "words", example)) {
    if (!token.is_string() || kit::trim(token.as_string()).empty()) {
      refuse(example, "word " + std::to_string(words.size() + 1) + " of '" + options.tokens + "' is " +
                          (token.is_string() ? "empty" : std::string(token.type_name())) + "; expected a word");
    }
    words.push_back(token.as_string());
  }
  set_split_words(example, std::move(words));
  if (!is_labelled) return;
  std::vector<kit::Tag> tags;
  for (const kit::Json& tag : list(record.at(options.tags), options.tags, "tags", example)) {
    if (!tag.is_string()) {
      refuse(example, "tag " + std::to_string(tags.size() + 1) + " of '" + options.tags + "' is " +
                          std::string(tag.type_name()) + "; expected the tag's name, such as \"B-person\"");
    }
    tags.push_back(read_tag(tag.as_string(), options, example.where));
  }
  if (tags.size() != example.words.size()) {
    refuse(example, "there are " + std::to_string(example.words.size()) + " words and " + std::to_string(tags.size()) +
                        " tags; expected one tag a word");
  }
  example.entities = map_types(kit::read_entities(tags), options);
}

void read_text(const kit::Record& record, const DataOptions& options, bool is_labelled, NerExample& example) {
  example.text = record.text(options.text);
  example.places = split_words(example.text, splitting_of(options.split));
  for (const Span& place : example.places) {
    example.words.push_back(example.text.substr(place.begin, place.end - place.begin));
  }
  if (is_labelled) example.entities = read_entities(record.at(options.entities), options, example);
}

}  // namespace

std::unique_ptr<ExampleStream> open_json_lines(const std::string& path, const DataOptions& options) {
  kit::ColumnOptions columns;
  columns.format = "jsonl";
  return kit::make_examples(kit::open_rows(path, columns, {}), [options](const kit::Record& record) {
    return make_example(record, options, /*is_labelled=*/true);
  });
}

std::unique_ptr<NerExample> make_example(const kit::Record& record, const DataOptions& options, bool is_labelled) {
  auto example = std::make_unique<NerExample>(record);
  const bool comes_split = record.find(options.tokens) != nullptr;
  if (comes_split) {
    read_split(record, options, is_labelled, *example);
  } else {
    read_text(record, options, is_labelled, *example);
  }
  if (const kit::Json* document = record.find(options.document)) {
    example->document = kit::scalar_text(*document).value_or("");
  }
  return example;
}

}  // namespace berth::ner
