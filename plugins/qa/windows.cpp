#include "windows.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace berth::qa {
namespace {

constexpr std::int64_t kSpecials = 3;  // [CLS] and two [SEP]

// The question without what is beyond the limit. At most half of a window goes to it, whatever the limit says, so that
// something of the context has room.
std::string_view shortened(const QaExample& example, const FeatureContext& context, std::int64_t max_question_length) {
  const std::string_view question = example.question;
  const std::int64_t half = std::max<std::int64_t>(1, (context.max_length - kSpecials) / 2);
  const auto limit = static_cast<std::size_t>(std::min(max_question_length, half));
  if (question.size() <= limit) return question;  // a token has at least one byte
  EncodeOptions whole;
  whole.add_specials = false;
  const Encoding tokens = context.tokenizer.encode(question, whole);
  return tokens.size() <= limit ? question : question.substr(0, tokens.offsets[limit - 1].end);
}

// The stride as it is set, or less where a long question leaves less room to the context.
std::int64_t limited_stride(std::int64_t stride, std::string_view question, const FeatureContext& context) {
  const std::int64_t most = context.max_length - kSpecials - 1;  // beside a question of no token
  if (stride >= most) {
    throw Error(ErrorKind::kConfig, "`stride` is " + std::to_string(stride) +
                                        ", but a window of max_length = " + std::to_string(context.max_length) +
                                        " tokens has room for less than " + std::to_string(most + 1) +
                                        " of the context; expected less than " + std::to_string(most));
  }
  if (stride < most - (context.max_length - kSpecials) / 2) return stride;
  EncodeOptions whole;
  whole.add_specials = false;
  const auto taken = static_cast<std::int64_t>(context.tokenizer.encode(question, whole).size());
  return std::max<std::int64_t>(0, std::min(stride, most - taken));
}

WindowOptions window_options(std::string_view question, const FeatureContext& context, const WindowSettings& settings) {
  WindowOptions options;
  options.max_length = context.max_length;
  options.truncation = Truncation::kOnlySecond;
  if (settings.stride >= 0) {
    options.stride = limited_stride(settings.stride, question, context);
  } else {
    // Less than the tokens that a question of half a window leaves to the context.
    const std::int64_t room = context.max_length - kSpecials - (context.max_length - kSpecials) / 2;
    options.stride = std::max<std::int64_t>(0, std::min(context.max_length / 3, room - 1));
  }
  return options;
}

// Positions of the answer's first and last token in the window; {0, 0} where it does not hold all of it. Offsets grow
// along the tokens, though not strictly: one character may give several tokens.
std::pair<std::int64_t, std::int64_t> positions(const Encoding& window, const Span& answer) {
  const ContextTokens tokens = context_tokens(window);
  const auto begin = window.offsets.begin();
  const auto first = begin + static_cast<std::ptrdiff_t>(tokens.first);
  const auto last = begin + static_cast<std::ptrdiff_t>(tokens.last);
  if (first == last || first->begin > answer.begin || (last - 1)->end < answer.end) return {0, 0};
  // The last token that begins at or before the answer, and the first one that ends at or after it.
  const auto start =
      std::upper_bound(first, last, answer.begin, [](std::uint32_t byte, const Span& s) { return byte < s.begin; }) - 1;
  const auto end =
      std::lower_bound(first, last, answer.end, [](const Span& s, std::uint32_t byte) { return s.end < byte; });
  return {start - begin, end - begin};
}

}  // namespace

std::vector<Feature> make_windows(const QaExample& example, const FeatureContext& context,
                                  const WindowSettings& settings) {
  const std::string_view question = shortened(example, context, settings.max_question_length);
  std::vector<Feature> features;
  for (Encoding& window :
       context.tokenizer.windows_pair(question, *example.context, window_options(question, context, settings))) {
    Feature feature;
    if (example.answers) {
      std::pair<std::int64_t, std::int64_t> target;
      if (!example.answers->empty()) target = positions(window, *example.answers->front().span);
      feature.fields["start"] = std::vector<std::int64_t>{target.first};
      feature.fields["end"] = std::vector<std::int64_t>{target.second};
    }
    feature.encoding = std::move(window);
    features.push_back(std::move(feature));
  }
  return features;
}

ContextTokens context_tokens(const Encoding& window) {
  const auto begin = window.segments.begin();
  const auto first = std::find(begin, window.segments.end(), std::uint8_t{1});
  const auto count = std::count(first, window.segments.end(), std::uint8_t{1});
  // The last of segment 1 is its [SEP].
  return {static_cast<std::size_t>(first - begin),
          static_cast<std::size_t>(first - begin + std::max<std::ptrdiff_t>(count - 1, 0))};
}

}  // namespace berth::qa
