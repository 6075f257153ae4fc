#include "core/diagnosis/duplicates.h"

#include <string_view>
#include <unordered_map>

namespace berth::diagnosis {
namespace {

using FirstOf = std::unordered_map<std::string_view, Place>;

std::string_view key_of(const Sample& sample) {
  return {reinterpret_cast<const char*>(sample.seen.data()), sample.seen.size() * sizeof(sample.seen[0])};
}

}  // namespace

Duplicates find_duplicates(const std::vector<SampleSet>& sets) {
  Duplicates found;
  FirstOf earlier;  // of the sets before
  const auto differ = [&](const Place& a, const Place& b) {
    return sets[a.set].samples[a.sample].label != sets[b.set].samples[b.sample].label;
  };
  for (std::size_t s = 0; s < sets.size(); ++s) {
    FirstOf own;
    for (std::size_t i = 0; i < sets[s].samples.size(); ++i) {
      const Place place = {s, i};
      const auto key = key_of(sets[s].samples[i]);
      const auto [first, is_new] = own.try_emplace(key, place);
      if (!is_new) found.within.push_back({first->second, place, differ(first->second, place)});
      if (const auto before = earlier.find(key); before != earlier.end()) {
        found.across.push_back({before->second, place, differ(before->second, place)});
      }
    }
    earlier.merge(own);
  }
  return found;
}

}  // namespace berth::diagnosis
