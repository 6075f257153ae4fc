// Against the answers of the Rust library for every code point: their number and a hash of them (unicode.json). Fails
// where another version of utf8proc decomposes or lowers otherwise.
#include "core/text/unicode_properties.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace berth::text {
namespace {

struct Tally {
  std::uint64_t count = 0;
  std::uint64_t hash = 0xCBF29CE484222325;

  void add(std::uint64_t number) { hash = (hash ^ number) * 0x100000001B3; }
};

// `answer` adds the numbers of a character to the tally and returns whether there were any.
void expect_answers(const std::string& name, const std::function<bool(char32_t, Tally&)>& answer) {
  std::ifstream in(std::string(BERTH_TEST_DATA) + "/unicode.json");
  const nlohmann::json golden = nlohmann::json::parse(in).at(name);
  Tally tally;
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c == 0xD800) c = 0xE000;
    if (answer(c, tally)) ++tally.count;
  }
  EXPECT_EQ(tally.count, golden.at("count").get<std::uint64_t>()) << name;
  EXPECT_EQ(tally.hash, golden.at("hash").get<std::uint64_t>()) << name;
}

bool add_where(bool condition, char32_t c, Tally& tally) {
  if (condition) tally.add(c);
  return condition;
}

void expect_flag(const std::string& name, CharacterFlag flag) {
  expect_answers(name, [flag](char32_t c, Tally& tally) { return add_where(character_flags(c) & flag, c, tally); });
}

TEST(UnicodeProperties, SetsAreTheLibrarys) {
  expect_flag("dropped", kIsDropped);
  expect_flag("space", kIsSpace);
  expect_flag("punctuation", kIsPunctuation);
  expect_flag("chinese", kIsChinese);
  expect_flag("mark", kIsMark);
}

TEST(UnicodeProperties, CombiningClassesAreTheLibrarys) {
  expect_answers("class", [](char32_t c, Tally& tally) {
    if (!add_where(character_flags(c) & kReorders, c, tally)) return false;
    tally.add(combining_class(c));
    return true;
  });
}

TEST(UnicodeProperties, DecompositionsAreTheLibrarys) {
  expect_answers("decomposed", [](char32_t c, Tally& tally) {
    if (!add_where(character_flags(c) & kIsComposed, c, tally)) return false;
    for (const char32_t part : decompose(c)) tally.add(part);
    return true;
  });
}

TEST(UnicodeProperties, LowerCaseIsTheLibrarys) {
  expect_answers("lower", [](char32_t c, Tally& tally) {
    if (!add_where(character_flags(c) & kHasLower, c, tally)) return false;
    for (const char32_t part : to_lower(c)) tally.add(part);
    return true;
  });
}

TEST(UnicodeProperties, WordCharactersAreTheLibrarys) {
  expect_answers("word", [](char32_t c, Tally& tally) { return add_where(is_word_character(c), c, tally); });
}

}  // namespace
}  // namespace berth::text
