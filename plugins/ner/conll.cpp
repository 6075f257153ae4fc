#include "conll.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "berth/kit/lines.h"
#include "berth/kit/text.h"

namespace berth::ner {
namespace {

std::vector<std::string_view> split_columns(std::string_view line) {
  const bool has_tabs = line.find('\t') != std::string_view::npos;
  std::vector<std::string_view> columns;
  while (!line.empty()) {
    const std::size_t end = line.find(has_tabs ? '\t' : ' ');
    const std::string_view column = kit::trim(line.substr(0, end));
    if (has_tabs || !column.empty()) columns.push_back(column);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return columns;
}

struct Sentence {
  std::vector<std::string> words;
  std::vector<std::string> tags;
  std::vector<kit::Tag> read_tags;
  std::vector<std::int64_t> lines;  // of the words
  Where where;                      // of the first
};

class ConllStream final : public ExampleStream {
 public:
  ConllStream(const std::string& path, const DataOptions& options) : lines_(path), options_(options) {}

  std::unique_ptr<Example> next() override {
    Sentence sentence;
    std::int64_t document = document_;  // the -DOCSTART- that ends a sentence belongs to the next one
    while (lines_.next(line_)) {
      const bool is_comment = !options_.comment.empty() && line_.rfind(options_.comment, 0) == 0;
      if (is_comment) continue;
      if (!ends_sentence()) {
        read_word(sentence);
      } else if (sentence.words.empty()) {
        document = document_;
      } else {
        return make(std::move(sentence), document);
      }
    }
    return sentence.words.empty() ? nullptr : make(std::move(sentence), document);
  }

 private:
  // An empty line, or the first of a document.
  bool ends_sentence() {
    if (kit::trim(line_).empty()) return true;
    const auto columns = split_columns(line_);
    const auto word = index_of(columns, options_.word);
    const bool is_start = columns.front() == "-DOCSTART-" || (word && columns[*word] == "-DOCSTART-");
    document_ += is_start ? 1 : 0;
    return is_start;
  }

  void read_word(Sentence& sentence) {
    const auto columns = split_columns(line_);
    const std::size_t word = column(columns, options_.word, "word");
    const std::size_t tag = column(columns, options_.tag, "tag");
    if (word == tag) {
      refuse("the line has " + count(columns) + ", so that word and tag would be the same; expected both, with a tab " +
             "or spaces between. It is " + kit::quote_for_message(line_));
    }
    if (columns[word].empty()) refuse("the word is empty in " + kit::quote_for_message(line_) + "; give the word");
    if (sentence.words.empty()) sentence.where = lines_.where();
    sentence.lines.push_back(lines_.where().line);
    sentence.words.emplace_back(columns[word]);
    sentence.tags.emplace_back(columns[tag]);
    sentence.read_tags.push_back(read_tag(columns[tag], options_, lines_.where()));
  }

  // wanted: as the options count columns, from 1, or from the end with -1. Nothing where the line has no such column.
  static std::optional<std::size_t> index_of(const std::vector<std::string_view>& columns, std::int64_t wanted) {
    const auto size = static_cast<std::int64_t>(columns.size());
    const std::int64_t index = wanted > 0 ? wanted - 1 : size + wanted;
    return index >= 0 && index < size ? std::optional(static_cast<std::size_t>(index)) : std::nullopt;
  }

  std::size_t column(const std::vector<std::string_view>& columns, std::int64_t wanted, const std::string& name) const {
    if (const auto index = index_of(columns, wanted)) return *index;
    refuse("the line has " + count(columns) + ", but `" + name + "` is column " + std::to_string(wanted) + ". It is " +
           kit::quote_for_message(line_) + "; correct it, or set `" + name + "` to the right column");
  }

  static std::string count(const std::vector<std::string_view>& columns) {
    return columns.size() == 1 ? "1 column" : std::to_string(columns.size()) + " columns";
  }

  [[noreturn]] void refuse(const std::string& text) const { throw Error(ErrorKind::kContent, lines_.where(), text); }

  std::unique_ptr<Example> make(Sentence sentence, std::int64_t document) const {
    kit::Json::Array tokens(sentence.words.begin(), sentence.words.end());
    kit::Json::Array tags(sentence.tags.begin(), sentence.tags.end());
    kit::Json fields(kit::Json::Object{
        {"text", join_words(sentence.words)}, {"tokens", std::move(tokens)}, {"tags", std::move(tags)}});
    auto example = std::make_unique<NerExample>(kit::Record(std::move(fields), sentence.where));
    set_split_words(*example, std::move(sentence.words));
    example->entities = map_types(kit::read_entities(sentence.read_tags), options_);
    example->document = std::to_string(document);
    example->lines = std::move(sentence.lines);
    return example;
  }

  kit::LineReader lines_;
  DataOptions options_;
  std::string line_;
  std::int64_t document_ = 0;
};

// The letters that a scheme's tags begin with; "": any.
std::string_view letters_of(const std::string& scheme) {
  if (scheme == "iob1" || scheme == "iob2" || scheme == "bio") return "OBI";
  if (scheme == "iobes") return "OBIES";
  return scheme == "bilou" ? "OBILU" : "";
}

}  // namespace

std::unique_ptr<ExampleStream> open_conll(const std::string& path, const DataOptions& options) {
  if (options.word == 0 || options.tag == 0) {
    throw Error(ErrorKind::kConfig, std::string("`") + (options.word == 0 ? "word" : "tag") +
                                        "` is 0; columns are counted from 1, or from the end with -1");
  }
  return std::make_unique<ConllStream>(path, options);
}

kit::Tag read_tag(std::string_view text, const DataOptions& options, const Where& where) {
  const std::optional<kit::Tag> tag = kit::parse_tag(text);
  if (!tag) {
    throw Error(ErrorKind::kContent, where,
                "found " + kit::quote_for_message(text) +
                    " as tag; expected O, or B-, I-, E- or S- and the entity's type, such as B-person. Is it the right "
                    "column?");
  }
  const std::string_view letters = letters_of(options.scheme);
  if (!letters.empty() && letters.find(text.front()) == std::string_view::npos) {
    throw Error(ErrorKind::kContent, where,
                "found the tag " + kit::quote_for_message(text) + ", but scheme = \"" + options.scheme +
                    "\" has only tags that begin with " + std::string(letters) +
                    "; correct the tag, or leave out `scheme`");
  }
  return *tag;
}

std::vector<kit::EntitySpan> map_types(std::vector<kit::EntitySpan> entities, const DataOptions& options) {
  for (kit::EntitySpan& entity : entities) {
    const auto found = options.label_map.find(entity.type);
    if (found != options.label_map.end()) entity.type = found->second;
  }
  if (!options.label_map.empty()) {
    std::erase_if(entities, [](const kit::EntitySpan& entity) { return entity.type == "O"; });
  }
  if (!options.types.empty()) {
    std::erase_if(entities, [&](const kit::EntitySpan& entity) {
      return std::find(options.types.begin(), options.types.end(), entity.type) == options.types.end();
    });
  }
  return entities;
}

}  // namespace berth::ner
