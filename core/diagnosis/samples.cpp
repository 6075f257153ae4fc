#include "core/diagnosis/samples.h"

#include <algorithm>
#include <utility>

namespace berth::diagnosis {

Sample make_sample(const std::vector<Feature>& features, std::string label, const Where& where) {
  Sample sample;
  for (const auto& feature : features) {
    const auto& encoding = feature.encoding;
    sample.lengths.push_back(static_cast<std::int64_t>(encoding.size()));
    for (std::size_t i = 0; i < encoding.size(); ++i) {
      sample.seen.push_back(encoding.ids[i] * 2 + encoding.segments[i]);
      if (encoding.specials[i] == 0) sample.words.push_back(encoding.ids[i]);
    }
    sample.seen.push_back(-1);  // one feature ends
  }
  std::sort(sample.words.begin(), sample.words.end());
  sample.label = std::move(label);
  sample.where = where;
  return sample;
}

}  // namespace berth::diagnosis
