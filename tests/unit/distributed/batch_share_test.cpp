#include "core/distributed/batch_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace berth::distributed {
namespace {

TEST(BatchShare, DealsEachSequenceOnceAndTokensEvenly) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<std::int64_t> lengths(random() % 40);
    for (auto& length : lengths) length = 1 + static_cast<std::int64_t>(random() % 200);
    const auto total = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
    const auto longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
    const int size = 1 + static_cast<int>(random() % 6);
    std::size_t next = 0;
    for (int rank = 0; rank < size; ++rank) {
      const auto share = share_of(lengths, rank, size);
      EXPECT_EQ(share.begin, next);
      EXPECT_LE(share.begin, share.end);
      next = share.end;
      const auto tokens = std::accumulate(lengths.begin() + static_cast<std::ptrdiff_t>(share.begin),
                                          lengths.begin() + static_cast<std::ptrdiff_t>(share.end), std::int64_t{0});
      EXPECT_LE(std::abs(tokens * size - total), longest * size);  // both ends lie within half a sequence
    }
    EXPECT_EQ(next, lengths.size());
  }
}

TEST(BatchShare, LeavesSomeWithoutAnyWhereThereAreTooFew) {
  EXPECT_EQ(share_of({7}, 0, 2).end, 1U);
  EXPECT_EQ(share_of({7}, 1, 2).begin, 1U);
  EXPECT_EQ(share_of({}, 1, 3).end, 0U);
}

}  // namespace
}  // namespace berth::distributed
