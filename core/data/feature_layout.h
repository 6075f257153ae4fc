// How the bytes of a feature file lie: what its reader and its writer both go by. See feature_file.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "core/data/feature_file.h"

namespace berth::data::layout {

constexpr std::string_view kMagic = "berthftr";
constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kKeyBytes = 64;
constexpr std::uint64_t kHeadBytes = 96;  // before the table of sections
constexpr std::uint64_t kAlignment = 64;
constexpr std::uint64_t kMostSections = 1 << 16;

// The fields' come behind these, and the description behind them.
enum Section : std::size_t { kIds, kSegments, kBegin, kFirstFeature, kLines, kFixedSections };

struct SectionEntry {
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hash = 0;
};

// Where the first section may begin: behind the table and the hash.
constexpr std::uint64_t head_end(std::uint64_t sections) {
  return kHeadBytes + sections * sizeof(SectionEntry) + sizeof(std::uint64_t);
}

constexpr std::uint64_t aligned(std::uint64_t place) { return (place + kAlignment - 1) / kAlignment * kAlignment; }

inline void put(std::string& bytes, std::uint64_t number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

inline void put(std::string& bytes, std::string_view text) {
  put(bytes, std::uint64_t{text.size()});
  bytes += text;
}

// Takes such bytes apart. Throws DamagedFile where there are not as many as asked for.
class TextReader {
 public:
  explicit TextReader(std::string_view bytes) : left_(bytes) {}

  std::string_view bytes(std::uint64_t count) {
    if (count > left_.size()) throw DamagedFile{"does not fit together"};
    const auto result = left_.substr(0, count);
    left_.remove_prefix(count);
    return result;
  }
  std::uint64_t number() {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes(sizeof number).data(), sizeof number);
    return number;
  }
  std::string text() { return std::string(bytes(number())); }
  bool is_at_end() const { return left_.empty(); }

 private:
  std::string_view left_;
};

}  // namespace berth::data::layout
