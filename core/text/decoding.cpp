#include "core/text/decoding.h"

#include <cstddef>
#include <utility>

namespace berth::text {
namespace {

// In this order, each everywhere in the piece. The library cleans each piece by itself, with the space before it.
constexpr std::pair<std::string_view, std::string_view> kCleanUp[] = {
    {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},    {" n't", "n't"},
    {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
};

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string join_pieces(const std::vector<std::string_view>& pieces, const DecodingOptions& options) {
  std::string text;
  bool is_first = true;
  for (std::string_view piece : pieces) {
    std::string written;
    if (!is_first && piece.starts_with(options.prefix)) {
      piece.remove_prefix(options.prefix.size());
    } else if (!is_first) {
      written = " ";
    }
    written += piece;
    if (options.clean_up) {
      for (const auto& [from, to] : kCleanUp) replace_all(written, from, to);
    }
    text += written;
    is_first = false;
  }
  return text;
}

}  // namespace berth::text
