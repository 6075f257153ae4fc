// Answers the JSON requests of the tokenizer's tests: the stored golden values and the live comparison speak the same
// language. A text is given as hexadecimal bytes, so that broken UTF-8 passes.
//
//   {"text", "pair"?, "max"?, "truncation"?, "specials"?}   -> [encoding]
//   {"words", "max"?, "truncation"?}                        -> [encoding]
//   {"text", "pair"?, "max", "truncation", "stride"}        -> [encoding of each window]
//   {"decode": [ids]}                                       -> text
// An encoding is [ids, begins, ends, segments, words, specials].
#pragma once

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "berth/error.h"
#include "berth/tokenizer.h"

namespace berth::test {

inline std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

inline std::string to_hex(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

inline nlohmann::json to_json(const Encoding& encoding) {
  nlohmann::json begins = nlohmann::json::array();
  nlohmann::json ends = nlohmann::json::array();
  for (const Span& span : encoding.offsets) {
    begins.push_back(span.begin);
    ends.push_back(span.end);
  }
  return {encoding.ids, begins, ends, encoding.segments, encoding.words, encoding.specials};
}

inline Truncation truncation_of(const nlohmann::json& request) {
  static const std::map<std::string, Truncation> names = {{"longest_first", Truncation::kLongestFirst},
                                                          {"only_first", Truncation::kOnlyFirst},
                                                          {"only_second", Truncation::kOnlySecond},
                                                          {"none", Truncation::kNone}};
  return names.at(request.value("truncation", "none"));
}

inline nlohmann::json answer_windows(const Tokenizer& tokenizer, const nlohmann::json& request) {
  const WindowOptions options = {request.at("max"), request.at("stride"), truncation_of(request)};
  const std::string text = from_hex(request.at("text"));
  const std::vector<Encoding> windows = request.contains("pair")
                                            ? tokenizer.windows_pair(text, from_hex(request.at("pair")), options)
                                            : tokenizer.windows(text, options);
  nlohmann::json answer = nlohmann::json::array();
  for (const Encoding& window : windows) answer.push_back(to_json(window));
  return answer;
}

inline nlohmann::json answer_encoding(const Tokenizer& tokenizer, const nlohmann::json& request) {
  EncodeOptions options;
  options.max_length = request.value("max", options.max_length);
  options.truncation = truncation_of(request);
  options.add_specials = request.value("specials", true);
  nlohmann::json answer = nlohmann::json::array();
  if (request.contains("words")) {
    std::vector<std::string> words;
    for (const nlohmann::json& word : request.at("words")) words.push_back(from_hex(word));
    answer.push_back(to_json(tokenizer.encode_words(words, options)));
  } else if (request.contains("pair")) {
    answer.push_back(
        to_json(tokenizer.encode_pair(from_hex(request.at("text")), from_hex(request.at("pair")), options)));
  } else {
    answer.push_back(to_json(tokenizer.encode(from_hex(request.at("text")), options)));
  }
  return answer;
}

// "error" where the tokenizer throws berth::Error.
inline nlohmann::json answer(const Tokenizer& tokenizer, const nlohmann::json& request) {
  try {
    if (request.contains("decode")) return to_hex(tokenizer.decode(request.at("decode")));
    return request.contains("stride") ? answer_windows(tokenizer, request) : answer_encoding(tokenizer, request);
  } catch (const Error&) {
    return "error";
  }
}

}  // namespace berth::test
