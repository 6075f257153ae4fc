// Reads cases as JSON lines from standard input and writes a line of numbers for each; compare_statistics.py holds them
// against scipy.
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/statistics/resampling.h"
#include "core/statistics/sample.h"
#include "core/statistics/variance.h"

namespace {

using namespace berth::statistics;
using Json = nlohmann::json;
using Values = std::vector<double>;

double mean_at(const Values& values, const std::vector<std::size_t>& picks) {
  double sum = 0;
  for (const auto pick : picks) sum += values[pick];
  return sum / static_cast<double>(picks.size());
}

Json sample(const Json& one) {
  const auto values = one.at("values").get<Values>();
  const auto interval = t_interval(values, one.at("level"));
  return {{"mean", mean(values)},
          {"deviation", deviation(values)},
          {"low", interval.low},
          {"high", interval.high},
          {"quantile", quantile(values, one.at("level"))}};
}

Json groups(const Json& one) {
  const auto groups = one.at("groups").get<Groups>();
  const auto spread = levene(groups);
  const auto effect = main_effect(groups);
  return {{"levene", spread.statistic},
          {"levene_p", spread.p},
          {"eta_squared", effect.eta_squared},
          {"f", effect.test.statistic},
          {"f_p", effect.test.p}};
}

Json paired(const Json& one) {
  const auto first = one.at("first").get<Values>();
  const auto second = one.at("second").get<Values>();
  ResamplingOptions options;
  options.resamples = one.at("resamples");
  const auto of_first = [&](const auto& picks) { return mean_at(first, picks); };
  const auto of_second = [&](const auto& picks) { return mean_at(second, picks); };
  const auto alone = percentile_interval(bootstrap_scores(first.size(), of_first, options));
  const auto difference = paired_bootstrap(first.size(), of_first, of_second, options);
  const auto exchanged = [&](const std::vector<bool>& is_exchanged) {
    double sum = 0;
    for (std::size_t i = 0; i < first.size(); ++i) sum += (is_exchanged[i] ? -1 : 1) * (first[i] - second[i]);
    return sum / static_cast<double>(first.size());
  };
  return {{"low", alone.low},
          {"high", alone.high},
          {"difference", difference.value},
          {"difference_low", difference.interval.low},
          {"difference_high", difference.interval.high},
          {"bootstrap_p", difference.p},
          {"randomisation_p", approximate_randomisation(first.size(), exchanged, options)}};
}

}  // namespace

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto one = Json::parse(line);
    const auto kind = one.at("kind").get<std::string>();
    std::cout << (kind == "sample" ? sample(one) : kind == "groups" ? groups(one) : paired(one)).dump() << "\n";
  }
  return 0;
}
