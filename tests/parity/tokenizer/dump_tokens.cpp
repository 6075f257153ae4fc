// Prints what the tokenizer makes of texts, for compare_tokenizer.py and for measuring its speed.
//
//   dump_tokens MODEL_FOLDER                JSON lines in (tests/support/tokenizer_requests.h), one line out for each
//   dump_tokens MODEL_FOLDER --speed FILE   encodes each line of the file by itself, best of five passes
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "core/text/load_tokenizer.h"
#include "tests/support/tokenizer_requests.h"

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
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
    best = std::min(best, seconds_since(start));
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
      fmt::print("loaded in {:.1f} ms; ", seconds_since(start) * 1e3);
      measure(*tokenizer, argv[3]);
      return 0;
    }
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << berth::test::answer(*tokenizer, nlohmann::json::parse(line)) << '\n';
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 3;
  }
  return 0;
}
