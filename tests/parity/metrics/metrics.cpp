// Reads cases as JSON lines from standard input and writes a line of scores for each; compare.py holds them against
// scikit-learn and scipy.
#include <cstdio>
#include <iostream>
#include <string>

#include "score_case.h"

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const berth::kit::Json one = berth::kit::parse_json(line);
    berth::kit::Json scores;
    for (const auto& [name, value] : berth::test::score_case(one, static_cast<int>(one.at("parts").as_int()))) {
      scores.set(name, value);
    }
    std::cout << berth::kit::dump_json(scores) << "\n";
  }
  return 0;
}
