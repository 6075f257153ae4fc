#include "reader.h"

#include <algorithm>
#include <filesystem>

#include "conll.h"
#include "context.h"
#include "json_examples.h"

namespace berth::ner {
namespace {

bool is_json(const std::string& path, const std::string& format) {
  if (format != "auto") return format == "jsonl";
  std::string extension = std::filesystem::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return extension == ".jsonl" || extension == ".ndjson" || extension == ".json";
}

}  // namespace

void DataOptions::describe(Options& o) {
  o.field("format", format, "auto: JSON lines where the file ends in .jsonl, .ndjson or .json, else CoNLL columns")
      .one_of({"auto", "conll", "jsonl"});
  o.field("scheme", scheme, "how the file's tags mark entities; any: all of these read right, as they stand")
      .one_of({"any", "iob1", "iob2", "bio", "iobes", "bilou"});
  o.field("label_map", label_map, "this set's entity types -> the task's; several may go to one, \"O\" drops one");
  o.field("types", types, "the types that are kept, after label_map; words of others belong to no entity; empty: all");
  o.field("word", word, "CoNLL: the column of the word, counted from 1; -1 is the last");
  o.field("tag", tag, "CoNLL: the column of the tag, likewise");
  o.field("comment", comment, "CoNLL: lines that begin with this are left out; \"\": there are none");
  o.field("text", text, "JSON: the field that holds the text");
  o.field("entities", entities, "JSON: the field that lists the text's entities");
  o.field("tokens", tokens, "JSON: the field that lists the words, where they come split");
  o.field("tags", tags, "JSON: the field that lists the words' tags");
  o.field("document", document, "JSON: the field that names the document that a row belongs to");
  o.field("split", split,
          "JSON: what ends a word of the text besides spaces: every mark, marks at its edges, or nothing")
      .one_of({"punctuation", "edges", "space"});
  o.field("widen", widen,
          "JSON: an entity that begins or ends within a word takes the whole word, in place of an error");
}

std::unique_ptr<ExampleStream> NerReader::open(const std::string& path) const {
  auto examples = is_json(path, options_.format) ? open_json_lines(path, options_) : open_conll(path, options_);
  return context_words_ == 0 ? std::move(examples) : add_context(std::move(examples), context_words_);
}

std::unique_ptr<Example> NerReader::from_json(std::string_view json, const Where& where) const {
  return make_example(kit::parse_record(json, where), options_, /*is_labelled=*/false);
}

}  // namespace berth::ner
