// SQuAD's JSON and JSON lines of questions, as the plugin `qa` reads them. The first byte chooses the options.

#include "examples.h"
#include "fuzz.h"
#include "plugins/qa/reader.h"

using namespace berth;
using qa::QaExample;

namespace {

void check(const QaExample& example) {
  fuzz::require(example.context != nullptr, "a question has a context");
  if (!example.answers) return;
  for (const qa::Answer& answer : *example.answers) {
    if (!answer.span) continue;
    fuzz::require(answer.span->begin < answer.span->end && answer.span->end <= example.context->size(),
                  "an answer lies in its context");
    fuzz::require(example.context->compare(answer.span->begin, answer.span->end - answer.span->begin, answer.text) == 0,
                  "an answer is what stands at its place");
  }
  fuzz::require(example.answers->empty() || example.answers->front().span.has_value(), "the first answer has a place");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text_of(data, size);
  fuzz::Choices choices(input);
  const char* const bad_answers[] = {"error", "skip", "nearest"};
  const bool is_json_lines = choices.flag();

  qa::QaReader reader;
  fuzz::DeclaredOptions options;
  reader.describe(options);
  options.set("format", is_json_lines ? "jsonl" : "squad");
  options.set("bad_answers", bad_answers[choices.one_of(3)]);
  fuzz::read_examples(reader, input, [&](const Example& read) {
    const auto& example = static_cast<const QaExample&>(read);
    fuzz::require(example.answers.has_value(), "an example has what it is to learn");
    check(example);
    if (!is_json_lines) return;  // SQuAD's leave the context out
    const auto again = fuzz::made_again(reader, example);
    fuzz::require(*static_cast<const QaExample&>(*again).context == *example.context,
                  "an example that is made again has the same context");
  });
  return 0;
}
