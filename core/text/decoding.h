// From pieces back to text, as the Rust library's WordPiece decoder does it. Used by BertTokenizer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::text {

struct DecodingOptions {
  std::string_view prefix = "##";
  bool clean_up = true;  // take away the spaces before punctuation and English contractions
};

std::string join_pieces(const std::vector<std::string_view>& pieces, const DecodingOptions& options);

}  // namespace berth::text
