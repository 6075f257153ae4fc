#include "core/distributed/batch_share.h"

#include <numeric>

namespace berth::distributed {
namespace {

// Where the first `parts` of `size` end: each sequence belongs where its middle lies.
std::size_t cut(const std::vector<std::int64_t>& lengths, std::int64_t total, int parts, int size) {
  std::int64_t before = 0;
  std::size_t at = 0;
  while (at < lengths.size() && (2 * before + lengths[at]) * size <= 2 * total * parts) before += lengths[at++];
  return at;
}

}  // namespace

Share share_of(const std::vector<std::int64_t>& lengths, int rank, int size) {
  const auto total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
  return {cut(lengths, total, rank, size), cut(lengths, total, rank + 1, size)};
}

}  // namespace berth::distributed
