#include "core/text/wordpiece.h"

#include <algorithm>
#include <array>

namespace berth::text {
namespace {

// Bytes of a beginning that are hashed at once; longer pieces than this are hashed one by one.
constexpr std::size_t kHashedAtOnce = 64;

std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = PieceTable::kHashStart;
  for (const char c : text) hash = PieceTable::extend_hash(hash, c);
  return hash;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// The longest beginning of `text` that is in the table; {kMissing, 0} where there is none.
Piece longest_match(const PieceTable& table, std::string_view text) {
  std::size_t size = std::min(text.size(), table.longest());
  for (; size > kHashedAtOnce; --size) {
    const std::int32_t id = table.find(text.substr(0, size));
    if (id != PieceTable::kMissing) return {id, 0, static_cast<std::uint32_t>(size)};
  }
  std::array<std::uint64_t, kHashedAtOnce> hashes;
  std::uint64_t hash = PieceTable::kHashStart;
  for (std::size_t i = 0; i < size; ++i) hashes[i] = hash = PieceTable::extend_hash(hash, text[i]);
  for (; size > 0; --size) {
    const std::int32_t id = table.find(text.substr(0, size), hashes[size - 1]);
    if (id != PieceTable::kMissing) return {id, 0, static_cast<std::uint32_t>(size)};
  }
  return {PieceTable::kMissing, 0, 0};
}

}  // namespace

void PieceTable::reserve(std::size_t pieces) {
  std::size_t slots = 16;
  while (slots < pieces * 2) slots *= 2;
  slots_.assign(slots, Slot{});
  entries_.reserve(pieces);
}

std::size_t PieceTable::slot_of(std::string_view piece, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t slot = (hash ^ (hash >> 29)) & mask;; slot = (slot + 1) & mask) {
    const Slot& found = slots_[slot];
    if (found.entry == kFree) return slot;
    if (found.tag == tag && text(entries_[found.entry]) == piece) return slot;
  }
}

void PieceTable::insert(std::string_view piece, std::int32_t id) {
  const std::uint64_t hash = hash_of(piece);
  Slot& slot = slots_[slot_of(piece, hash)];
  if (slot.entry != kFree) {
    entries_[slot.entry].id = id;
    return;
  }
  slot = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(entries_.size())};
  entries_.push_back({static_cast<std::uint32_t>(characters_.size()), static_cast<std::uint32_t>(piece.size()), id});
  characters_ += piece;
  longest_ = std::max(longest_, piece.size());
}

std::int32_t PieceTable::find(std::string_view piece) const { return find(piece, hash_of(piece)); }

std::int32_t PieceTable::find(std::string_view piece, std::uint64_t hash) const {
  const Slot& slot = slots_[slot_of(piece, hash)];
  return slot.entry == kFree ? kMissing : entries_[slot.entry].id;
}

WordPiece::WordPiece(const Vocabulary& vocabulary, const WordPieceOptions& options)
    : longest_word_(static_cast<std::size_t>(options.longest_word)), unknown_(options.unknown) {
  whole_.reserve(vocabulary.size());
  going_on_.reserve(vocabulary.size());
  for (const auto& [piece, id] : vocabulary) {
    whole_.insert(piece, id);
    if (piece.size() > options.prefix.size() && piece.starts_with(options.prefix)) {
      going_on_.insert(std::string_view(piece).substr(options.prefix.size()), id);
    }
  }
}

bool WordPiece::too_long(std::string_view word) const {
  return word.size() > longest_word_ && count_characters(word) > longest_word_;
}

void WordPiece::split(std::string_view word, std::vector<Piece>& pieces) const {
  const std::size_t before = pieces.size();
  const auto size = static_cast<std::uint32_t>(word.size());
  bool known = !too_long(word);
  for (std::uint32_t at = 0; known && at < size;) {
    Piece piece = longest_match(at == 0 ? whole_ : going_on_, word.substr(at));
    known = piece.id != PieceTable::kMissing;
    piece.begin += at;
    piece.end += at;
    at = piece.end;
    pieces.push_back(piece);
  }
  if (!known) {
    pieces.resize(before);
    pieces.push_back({unknown_, 0, size});
  }
}

}  // namespace berth::text
