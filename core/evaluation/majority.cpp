#include "core/evaluation/majority.h"

#include <algorithm>
#include <map>

namespace berth::evaluation {

std::optional<double> majority_accuracy(const plugin::LoadedTask& task, const data::TaskData& set,
                                        const Score& primary) {
  if (primary.name != "accuracy") return std::nullopt;
  std::map<std::string, std::int64_t> counts;
  for (const auto& example : set.examples) ++counts[task.label(*example)];
  if (counts.size() < 2 || counts.contains("")) return std::nullopt;
  const auto most =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return static_cast<double>(most->second) / static_cast<double>(set.example_count);
}

}  // namespace berth::evaluation
