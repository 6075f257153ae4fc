// How fast texts become tokens with offsets, on one thread: every line of a file is a text. Prints one line of JSON.
//   tokenize_speed MODEL_FOLDER TEXT_FILE REPEATS
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "berth/error.h"
#include "core/text/load_tokenizer.h"

namespace {

using namespace berth;

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return lines;
}

void measure(const std::string& folder, const std::string& file, int repeats) {
  const auto tokenizer = text::load_tokenizer(folder);
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(ErrorKind::kIo, {file}, "can't be read");
  const std::string content(std::istreambuf_iterator<char>(in), {});
  const auto lines = lines_of(content);
  std::vector<double> seconds;
  std::size_t tokens = 0;
  for (int i = 0; i < repeats; ++i) {
    tokens = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const auto line : lines) tokens += tokenizer->encode(line, {}).size();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  const double least = *std::min_element(seconds.begin(), seconds.end());
  fmt::print("{{\"mb_per_s\": {:.2f}, \"tokens\": {}}}\n", static_cast<double>(content.size()) / least / 1e6, tokens);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: tokenize_speed MODEL_FOLDER TEXT_FILE REPEATS\n");
    return 2;
  }
  try {
    measure(argv[1], argv[2], std::stoi(argv[3]));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
