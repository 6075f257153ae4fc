// How many tokens of each text stay: the Rust library's rules. Used by BertTokenizer.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "berth/tokenizer.h"

namespace berth::text {

struct TokenCounts {
  std::size_t first = 0;
  std::size_t second = 0;  // 0 where there is no second text
};

// Throws Error kConfig for a limit that does not even hold the `specials`. Returns the room for the texts' own tokens.
std::size_t room_for_text(std::int64_t max_length, std::size_t specials);

// What stays of the counts in `room` tokens. Throws Error kContent where only the other text could make it fit, kConfig
// for kOnlySecond without a second text.
TokenCounts truncate(const TokenCounts& counts, bool is_pair, std::size_t room, Truncation truncation);

// Half-open ranges of `count` tokens, each at most `size` long, neighbours sharing `stride`, which is less than `size`.
std::vector<std::pair<std::size_t, std::size_t>> window_ranges(std::size_t count, std::size_t size, std::size_t stride);

}  // namespace berth::text
