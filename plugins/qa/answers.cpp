#include "answers.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "berth/kit/text.h"
#include "unicode.h"

namespace berth::qa {
namespace {

// An answer as the file has it.
struct Stated {
  std::string text;
  std::optional<std::int64_t> start;  // in code points
};

[[noreturn]] void refuse(const QaExample& example, const std::string& text) {
  throw Error(ErrorKind::kContent, example.where, name_of(example) + ": " + text);
}

std::optional<std::int64_t> start_of(const kit::Json* value, const QaExample& example) {
  if (value == nullptr || value->is_null()) return std::nullopt;
  if (!value->is_int()) {
    refuse(example, "answer_start is " + std::string(value->type_name()) +
                        "; expected a whole number, the character of the "
                        "context at which the answer starts, from 0");
  }
  return value->as_int();
}

std::string text_of(const kit::Json& value, const QaExample& example) {
  if (value.is_string()) return value.as_string();
  refuse(example, "an answer's text is " + std::string(value.type_name()) + "; expected a string");
}

Stated stated_answer(const kit::Json& value, const QaExample& example) {
  if (value.is_string()) return {value.as_string(), std::nullopt};
  const kit::Json* text = value.find("text");
  if (text == nullptr) {
    refuse(example, "an answer is " + std::string(value.type_name()) + (value.is_object() ? " without \"text\"" : "") +
                        "; expected {\"text\": \"...\", \"answer_start\": N}");
  }
  return {text_of(*text, example), start_of(value.find("answer_start"), example)};
}

// {"text": [...], "answer_start": [...]}
std::vector<Stated> stated_columns(const kit::Json& value, const QaExample& example) {
  const kit::Json* texts = value.find("text");
  const kit::Json* starts = value.find("answer_start");
  const auto size_of = [](const kit::Json* list) { return list->as_array().size(); };
  if (texts == nullptr || !texts->is_array() ||
      (starts != nullptr && (!starts->is_array() || size_of(starts) != size_of(texts)))) {
    refuse(example, "the answers are an object without equally long lists \"text\" and \"answer_start\"");
  }
  std::vector<Stated> result;
  for (std::size_t i = 0; i < size_of(texts); ++i) {
    const kit::Json* start = starts == nullptr ? nullptr : &starts->as_array()[i];
    result.push_back({text_of(texts->as_array()[i], example), start_of(start, example)});
  }
  return result;
}

std::vector<Stated> stated_answers(const kit::Json& value, const QaExample& example) {
  if (value.is_object()) return stated_columns(value, example);
  if (!value.is_array()) {
    refuse(example, "the answers are " + std::string(value.type_name()) +
                        "; expected a list of {\"text\": \"...\", \"answer_start\": N}, [] where there is none");
  }
  std::vector<Stated> result;
  for (const kit::Json& answer : value.as_array()) result.push_back(stated_answer(answer, example));
  return result;
}

// Bytes at which the text occurs, overlapping ones too.
std::vector<std::size_t> occurrences(std::string_view context, std::string_view text) {
  std::vector<std::size_t> found;
  for (std::size_t at = context.find(text); at != std::string_view::npos; at = context.find(text, at + 1)) {
    found.push_back(at);
  }
  return found;
}

Answer answer_at(const std::string& text, std::size_t byte) {
  return {text, Span{static_cast<std::uint32_t>(byte), static_cast<std::uint32_t>(byte + text.size())}};
}

// Of any two numbers, which a file may give: unsigned, since their difference may be too large for a signed one.
std::uint64_t distance(std::int64_t a, std::int64_t b) {
  const auto from = static_cast<std::uint64_t>(a);
  const auto to = static_cast<std::uint64_t>(b);
  return a > b ? from - to : to - from;
}

// Where an answer stands in the context, or what is wrong with it.
class Locator {
 public:
  Locator(const Stated& stated, const std::string& context) : stated_(stated), context_(context) {}

  std::optional<Answer> find() {
    if (stated_.text.empty()) {
      fault_ = "an answer's text is empty; write \"answers\": [] where a question has no answer";
      return std::nullopt;
    }
    return stated_.start ? at_start() : anywhere();
  }

  const std::optional<Answer>& nearest() const { return nearest_; }
  const std::string& fault() const { return fault_; }

 private:
  std::optional<Answer> at_start() {
    const std::int64_t start = *stated_.start;
    const std::size_t byte =
        start < 0 ? std::string::npos : byte_of_code_point(context_, static_cast<std::size_t>(start));
    if (byte != std::string::npos && context_.compare(byte, stated_.text.size(), stated_.text) == 0) {
      return answer_at(stated_.text, byte);
    }
    fault_ = "the answer " + kit::quote_for_message(stated_.text) + " does not stand at its answer_start " +
             std::to_string(start) + ", where the context " + found_at(byte) + "; " + look_around() +
             " (counted in characters, from 0). Correct it, or set bad_answers in the task's data options";
    return std::nullopt;
  }

  std::string found_at(std::size_t byte) const {
    if (byte == std::string::npos) return "has ended (or not begun)";
    return "says " + kit::quote_for_message(std::string_view(context_).substr(byte, stated_.text.size()));
  }

  // Sets nearest_ and says where it is.
  std::string look_around() {
    std::int64_t best = 0;
    std::int64_t at = 0;
    std::size_t counted = 0;  // bytes; going on from there keeps the time in proportion to the context
    for (const std::size_t byte : occurrences(context_, stated_.text)) {
      at += static_cast<std::int64_t>(count_code_points(std::string_view(context_).substr(counted, byte - counted)));
      counted = byte;
      if (nearest_ && distance(at, *stated_.start) >= distance(best, *stated_.start)) continue;
      nearest_ = answer_at(stated_.text, byte);
      best = at;
    }
    if (!nearest_) return "it stands nowhere in the context";
    const bool counts_bytes = nearest_->span->begin == *stated_.start;
    return "the nearest one stands at " + std::to_string(best) + (counts_bytes ? ": answer_start counts bytes" : "");
  }

  std::optional<Answer> anywhere() {
    const std::vector<std::size_t> found = occurrences(context_, stated_.text);
    if (found.size() == 1) return answer_at(stated_.text, found.front());
    fault_ = "the answer " + kit::quote_for_message(stated_.text) + " has no answer_start and stands " +
             (found.empty() ? "nowhere" : std::to_string(found.size()) + " times") +
             " in the context; give answer_start, or set bad_answers in the task's data options";
    if (!found.empty()) nearest_ = answer_at(stated_.text, found.front());
    return std::nullopt;
  }

  const Stated& stated_;
  const std::string& context_;
  std::optional<Answer> nearest_;
  std::string fault_;
};

}  // namespace

std::string name_of(const QaExample& example) { return "question " + kit::quote_for_message(example.id); }

bool read_answers(const kit::Json& value, BadAnswers bad_answers, QaExample& example) {
  std::vector<Answer> answers;
  std::string fault;
  for (Stated& stated : stated_answers(value, example)) {
    Locator locator(stated, *example.context);
    std::optional<Answer> answer = locator.find();
    if (!answer && bad_answers == BadAnswers::kError) refuse(example, locator.fault());
    if (!answer) fault = locator.fault();
    if (!answer && bad_answers == BadAnswers::kNearest) answer = locator.nearest();
    answers.push_back(answer ? *std::move(answer) : Answer{std::move(stated.text), std::nullopt});
  }
  std::stable_partition(answers.begin(), answers.end(), [](const Answer& answer) { return answer.span.has_value(); });
  if (!answers.empty() && !answers.front().span) {
    if (bad_answers == BadAnswers::kSkip) return false;
    refuse(example, fault);
  }
  example.answers = std::move(answers);
  return true;
}

}  // namespace berth::qa
