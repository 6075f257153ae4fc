// A tokenizer of hostile files at work on a hostile text: for the targets `vocab` and `tokenizer`.
#pragma once

#include <string_view>

#include "berth/tokenizer.h"

namespace berth::fuzz {

// All ways to tokenize the text, each with its promises looked at: lengths, offsets within the text, ids that exist.
void tokenize_all_ways(const Tokenizer& tokenizer, std::string_view text);

}  // namespace berth::fuzz
