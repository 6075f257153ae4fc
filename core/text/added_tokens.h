// Tokens that are found in the text before it is split into words, and never split: [SEP] and the like, and what a user
// added. Used by BertTokenizer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::text {

struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool special = true;       // left out by decode
  bool single_word = false;  // only where no letter or digit touches it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // takes the white space after it along
  bool normalized = false;   // looked for in the normalized text, as its own normalized form
};

// Finds the leftmost, among these the longest, again and again, without overlap.
class AddedTokenFinder {
 public:
  static constexpr std::int32_t kPlainText = -1;

  struct Part {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int32_t id = kPlainText;  // of the token, or kPlainText
  };

  // What is looked for is each token's content: give normalized tokens with their content normalized.
  explicit AddedTokenFinder(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  // The text in parts, from left to right, none of them empty.
  void split(std::string_view text, std::vector<Part>& parts) const;

 private:
  // The next match at or after `from`: sets its begin, returns its token, or null at the end of the text.
  const AddedToken* find_next(std::string_view text, std::size_t from, std::size_t& begin) const;

  std::vector<AddedToken> tokens_;  // longest first
  std::array<bool, 256> begins_token_{};
};

}  // namespace berth::text
