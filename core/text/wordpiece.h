// WordPiece: a word becomes the longest piece that begins it, then the longest "##" piece that goes on, and so on; a
// word that can't be covered is one [UNK]. Used by BertTokenizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::text {

// From strings to ids: open addressing over one block of characters. The hash of a string's beginning is a step on the
// way to the whole string's, so that all beginnings of a word are hashed in one pass.
class PieceTable {
 public:
  static constexpr std::int32_t kMissing = -1;
  static constexpr std::uint64_t kHashStart = 0xCBF29CE484222325;

  static std::uint64_t extend_hash(std::uint64_t hash, char next) {
    return (hash ^ static_cast<unsigned char>(next)) * 0x100000001B3;
  }

  // Makes room for `pieces` entries; called once, before insert.
  void reserve(std::size_t pieces);
  // A piece that is there already gets the new id.
  void insert(std::string_view piece, std::int32_t id);

  std::int32_t find(std::string_view piece) const;
  // For callers that have the hash.
  std::int32_t find(std::string_view piece, std::uint64_t hash) const;

  std::size_t longest() const { return longest_; }  // bytes
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
    std::int32_t id = kMissing;
  };
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t entry = kFree;
  };
  static constexpr std::uint32_t kFree = 0xFFFFFFFF;

  std::string_view text(const Entry& entry) const { return {characters_.data() + entry.begin, entry.size}; }
  // The slot that holds the piece, or the free one where it belongs.
  std::size_t slot_of(std::string_view piece, std::uint64_t hash) const;

  std::vector<Slot> slots_;
  std::vector<Entry> entries_;
  std::string characters_;
  std::size_t longest_ = 0;
};

struct Piece {
  std::int32_t id = 0;
  std::uint32_t begin = 0;  // bytes of the word
  std::uint32_t end = 0;
};

struct WordPieceOptions {
  std::string prefix = "##";        // of pieces that go on
  std::int64_t longest_word = 100;  // characters; a longer word is unknown
  std::int32_t unknown = 0;
};

class WordPiece {
 public:
  using Vocabulary = std::vector<std::pair<std::string, std::int32_t>>;

  // Ids must be unique and not negative. Of equal strings the last counts.
  WordPiece(const Vocabulary& vocabulary, const WordPieceOptions& options);

  // Appends the pieces of a word, which is valid UTF-8 and not empty.
  void split(std::string_view word, std::vector<Piece>& pieces) const;

  // Of a whole piece, "##" included; PieceTable::kMissing where there is none.
  std::int32_t find(std::string_view piece) const { return whole_.find(piece); }
  std::size_t size() const { return whole_.size(); }

 private:
  bool too_long(std::string_view word) const;

  PieceTable whole_;     // all strings: pieces that begin a word
  PieceTable going_on_;  // those with the prefix, without it
  std::size_t longest_word_;
  std::int32_t unknown_;
};

}  // namespace berth::text
