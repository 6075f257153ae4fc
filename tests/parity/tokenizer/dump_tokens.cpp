// Prints what the tokenizer makes of texts, for compare_tokenizer.py and for measuring its speed.
//
//   dump_tokens MODEL_FOLDER            JSON lines in, one JSON line out for each. Texts are hexadecimal bytes, so that
//                                       broken UTF-8 passes. {"text", "pair"?, "words"?, "max"?, "truncation"?,
//                                       "specials"?, "stride"?} gives a list of encodings (several for a stride);
//                                       {"decode": [ids]} gives a text; errors give {"error": kind}.
//   dump_tokens MODEL_FOLDER --speed FILE   each line of the file by itself, best of five passes
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "berth/error.h"
#include "core/text/load_tokenizer.h"

namespace {

using nlohmann::json;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

std::string to_hex(const std::string& bytes) {
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

json to_json(const berth::Encoding& encoding) {
  json begins = json::array();
  json ends = json::array();
  for (const berth::Span& span : encoding.offsets) {
    begins.push_back(span.begin);
    ends.push_back(span.end);
  }
  return {encoding.ids, begins, ends, encoding.segments, encoding.words, encoding.specials};
}

berth::Truncation truncation_of(const json& request) {
  static const std::map<std::string, berth::Truncation> names = {{"longest_first", berth::Truncation::kLongestFirst},
                                                                 {"only_first", berth::Truncation::kOnlyFirst},
                                                                 {"only_second", berth::Truncation::kOnlySecond},
                                                                 {"none", berth::Truncation::kNone}};
  return names.at(request.value("truncation", "none"));
}

json answer_windows(const berth::Tokenizer& tokenizer, const json& request) {
  const berth::WindowOptions options = {request.at("max"), request.at("stride"), truncation_of(request)};
  const std::string text = from_hex(request.at("text"));
  json answer = json::array();
  for (const berth::Encoding& window : request.contains("pair")
                                           ? tokenizer.windows_pair(text, from_hex(request.at("pair")), options)
                                           : tokenizer.windows(text, options)) {
    answer.push_back(to_json(window));
  }
  return answer;
}

json answer(const berth::Tokenizer& tokenizer, const json& request) {
  if (request.contains("decode")) return to_hex(tokenizer.decode(request.at("decode")));
  if (request.contains("stride")) return answer_windows(tokenizer, request);
  berth::EncodeOptions options;
  options.max_length = request.value("max", options.max_length);
  options.truncation = truncation_of(request);
  options.add_specials = request.value("specials", true);
  if (request.contains("words")) {
    std::vector<std::string> words;
    for (const std::string word : request.at("words")) words.push_back(from_hex(word));
    return {to_json(tokenizer.encode_words(words, options))};
  }
  const std::string text = from_hex(request.at("text"));
  if (request.contains("pair")) return {to_json(tokenizer.encode_pair(text, from_hex(request.at("pair")), options))};
  return {to_json(tokenizer.encode(text, options))};
}

void measure(const berth::Tokenizer& tokenizer, const std::string& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  std::size_t bytes = 0;
  for (std::string line; std::getline(in, line);) {
    bytes += line.size();
    lines.push_back(line);
  }
  double best = 1e9;
  std::size_t tokens = 0;
  for (int pass = 0; pass < 5; ++pass) {
    tokens = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& line : lines) tokens += tokenizer.encode(line, {}).size();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  fmt::print("{:.2f} MB/s, {:.0f} tokens/s, {} tokens\n", static_cast<double>(bytes) / best / 1e6,
             static_cast<double>(tokens) / best, tokens);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && !(argc == 4 && std::string(argv[2]) == "--speed")) {
    std::cerr << "usage: dump_tokens MODEL_FOLDER [--speed FILE]\n";
    return 2;
  }
  try {
    const auto start = std::chrono::steady_clock::now();
    const auto tokenizer = berth::text::load_tokenizer(argv[1]);
    if (argc == 4) {
      const std::chrono::duration<double, std::milli> loading = std::chrono::steady_clock::now() - start;
      fmt::print("loaded in {:.1f} ms; ", loading.count());
      measure(*tokenizer, argv[3]);
      return 0;
    }
    for (std::string line; std::getline(std::cin, line);) {
      json result;
      try {
        result = answer(*tokenizer, json::parse(line));
      } catch (const berth::Error& error) {
        result = {{"error", static_cast<int>(error.kind())}};
      }
      std::cout << result << '\n';
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
  return 0;
}
