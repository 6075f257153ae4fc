#include <algorithm>
#include <numeric>

#include "core/suite/option_binder.h"

namespace berth::suite {
namespace {

// Case and the choice between '-' and '_' are no difference.
std::string folded(std::string_view name) {
  std::string text(name);
  for (auto& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return text;
}

// Insertions, deletions, replacements and swaps of neighbours that turn a into b.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0U);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

bool one_contains_other(const std::string& a, const std::string& b) {
  const auto& shorter = a.size() < b.size() ? a : b;
  const auto& longer = a.size() < b.size() ? b : a;
  return shorter.size() >= 3 && longer.find(shorter) != std::string::npos;
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 100;  // nobody mistypes more
  if (name.size() > kLongest) return "";
  const auto wanted = folded(name);
  std::string nearest;
  std::string containing;  // "learning_rate" for "rate": far in edits, yet likely meant
  std::size_t smallest = kLongest;
  for (const auto& candidate : known) {
    if (candidate.size() > kLongest) continue;
    const auto other = folded(candidate);
    const auto distance = edit_distance(wanted, other);
    const auto limit = std::min(std::max(wanted.size(), other.size()) / 4 + 1, std::min(wanted.size(), other.size()));
    if (distance <= limit && distance < smallest && distance < other.size()) {
      smallest = distance;
      nearest = candidate;
    }
    if (one_contains_other(wanted, other) && candidate.size() > containing.size()) containing = candidate;
  }
  return nearest.empty() ? containing : nearest;
}

}  // namespace berth::suite
