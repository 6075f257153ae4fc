#include "squad_stream.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "berth/kit/columns.h"
#include "berth/kit/json.h"
#include "berth/kit/lines.h"
#include "berth/kit/text.h"

namespace berth::qa {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 30;

std::string read_file(const std::string& path) {
  const kit::LineReader readable(path);  // says what is wrong with a file that can't be read
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) throw Error(ErrorKind::kIo, {path}, "reading failed");
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  return text;
}

// Where in the file's text the questions' ids stand. They are asked for in the order of the file, so that it is gone
// through once.
class IdLocator {
 public:
  IdLocator(std::string path, std::string text) : place_{std::move(path), 1, 1}, text_(std::move(text)) {}

  // Line and column. Without them where the id is not found (it has escapes, say), and from then on: each such search
  // goes to the end of the file.
  Where find(const kit::Json& id) {
    const std::string written = id.is_string() ? "\"" + id.as_string() + "\"" : kit::dump_json(id);
    for (std::size_t at = at_; !is_lost_ && (at = text_.find(written, at + 1)) != std::string::npos;) {
      if (!follows_key(at) || is_longer(at + written.size())) continue;
      advance(at);
      return place_;
    }
    is_lost_ = true;
    return {place_.file, 0, 0};
  }

 private:
  bool follows_key(std::size_t at) const {
    std::string_view before(text_.data(), at);
    before = before.substr(0, before.find_last_not_of(" \t\r\n") + 1);
    if (!before.ends_with(':')) return false;
    before.remove_suffix(1);
    return before.substr(0, before.find_last_not_of(" \t\r\n") + 1).ends_with("\"id\"");
  }

  // Whether a number goes on there.
  bool is_longer(std::size_t at) const { return at < text_.size() && text_[at] >= '0' && text_[at] <= '9'; }

  void advance(std::size_t to) {
    for (; at_ < to; ++at_) {
      if (text_[at_] == '\n') {
        ++place_.line;
        place_.column = 1;
      } else if ((static_cast<unsigned char>(text_[at_]) & 0xC0U) != 0x80U) {
        ++place_.column;
      }
    }
  }

  Where place_;
  std::string text_;
  std::size_t at_ = 0;
  bool is_lost_ = false;
};

class SquadStream final : public ExampleStream {
 public:
  SquadStream(const std::string& path, std::string text, BadAnswers bad_answers)
      : root_(parse(path, text)), locator_(path, std::move(text)), path_(path), bad_answers_(bad_answers) {
    const kit::Json* data = root_.find("data");
    if (data == nullptr || !data->is_array()) {
      throw Error(ErrorKind::kContent, {path},
                  "the file is JSON, but not SQuAD's: there is no list \"data\" in it. Where it has one object a line, "
                  "set format = \"jsonl\" in the task's data options");
    }
    articles_ = &data->as_array();
  }

  std::unique_ptr<Example> next() override {
    while (const kit::Json* question = next_question()) {
      std::unique_ptr<QaExample> example = make(*question);
      if (read_answers(member(*question, "answers"), bad_answers_, *example)) return example;
    }
    return nullptr;
  }

 private:
  static kit::Json parse(const std::string& path, const std::string& text) {
    try {
      return kit::parse_json(text, {path, 1, 0}, {kMaxBytes});
    } catch (const Error& error) {
      // JSON lines in a file named .json end after the first object.
      const std::size_t end = text.find('\n');
      if (end == std::string::npos || !kit::trim(std::string_view(text).substr(0, end)).ends_with('}')) throw;
      throw Error(error.kind(), std::string(error.what()) +
                                    ". Where the file has one object a line, set format = "
                                    "\"jsonl\" in the task's data options");
    }
  }

  // Null at the end. Steps over articles without paragraphs and paragraphs without questions.
  const kit::Json* next_question() {
    while (article_ < articles_->size()) {
      const kit::Json::Array& paragraphs = list((*articles_)[article_], "paragraphs");
      if (paragraph_ >= paragraphs.size()) {
        ++article_;
        paragraph_ = question_ = 0;
        continue;
      }
      const kit::Json& paragraph = paragraphs[paragraph_];
      const kit::Json::Array& questions = list(paragraph, "qas");
      if (question_ >= questions.size()) {
        ++paragraph_;
        question_ = 0;
        continue;
      }
      if (question_ == 0) context_ = std::make_shared<const std::string>(string(paragraph, "context"));
      place_ = {path_};
      return &questions[question_++];
    }
    return nullptr;
  }

  std::unique_ptr<QaExample> make(const kit::Json& question) {
    auto example = std::make_unique<QaExample>();
    const std::optional<std::string> id = kit::scalar_text(member(question, "id"));
    if (!id) fail("\"id\" is " + std::string(member(question, "id").type_name()) + "; expected a string");
    example->id = *id;
    place_ = example->where = locator_.find(member(question, "id"));
    example->question = string(question, "question");
    example->context = context_;
    // Predictions repeat these, not the context, which is long and the same for many.
    kit::Json fields;
    fields.set("id", example->id);
    if (const kit::Json* title = (*articles_)[article_].find("title")) fields.set("title", *title);
    fields.set("question", example->question);
    fields.set("answers", member(question, "answers"));
    example->fields = kit::dump_json(fields);
    return example;
  }

  const kit::Json& member(const kit::Json& object, std::string_view key) const {
    const kit::Json* found = object.find(key);
    if (found != nullptr && !found->is_null()) return *found;
    if (!object.is_object()) fail("found " + std::string(object.type_name()) + "; expected an object");
    std::vector<std::string> names;
    for (const kit::JsonMember& one : object.as_object()) names.push_back(one.key);
    fail("there is no " + kit::quote_for_message(key) + "; found " +
         (names.empty() ? "nothing" : kit::list_names(names)) + kit::suggest_name(key, names));
  }

  const kit::Json::Array& list(const kit::Json& object, std::string_view key) const {
    const kit::Json& value = member(object, key);
    if (!value.is_array())
      fail(kit::quote_for_message(key) + " is " + std::string(value.type_name()) + "; expected a list");
    return value.as_array();
  }

  const std::string& string(const kit::Json& object, std::string_view key) const {
    const kit::Json& value = member(object, key);
    if (value.is_string()) return value.as_string();
    fail(kit::quote_for_message(key) + " is " + std::string(value.type_name()) + "; expected a string");
  }

  [[noreturn]] void fail(const std::string& text) const {
    throw Error(ErrorKind::kContent, place_,
                "article " + std::to_string(article_ + 1) + ", paragraph " + std::to_string(paragraph_ + 1) +
                    (question_ > 0 ? ", question " + std::to_string(question_) : "") + ": " + text);
  }

  kit::Json root_;
  IdLocator locator_;
  std::string path_;
  Where place_ = {path_};  // of the question that is read, as far as it is known
  BadAnswers bad_answers_;
  const kit::Json::Array* articles_ = nullptr;
  std::size_t article_ = 0;
  std::size_t paragraph_ = 0;
  std::size_t question_ = 0;  // of the paragraph; the one that next_question() gave is the one before
  std::shared_ptr<const std::string> context_;
};

}  // namespace

std::unique_ptr<ExampleStream> open_squad(const std::string& path, BadAnswers bad_answers) {
  return std::make_unique<SquadStream>(path, read_file(path), bad_answers);
}

}  // namespace berth::qa
