// Which of a batch's sequences are whose, where several processes share it.
#pragma once

#include <cstdint>
#include <vector>

namespace berth::distributed {

struct Share {
  std::size_t begin = 0;  // sequences of the batch, half-open
  std::size_t end = 0;
};

// The sequences stay in their order, and are cut where the processes' tokens come out nearest to equal. A batch of
// fewer sequences than processes leaves some without any.
Share share_of(const std::vector<std::int64_t>& lengths, int rank, int size);

}  // namespace berth::distributed
