#include "core/checkpoint/plain_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace berth::checkpoint {
namespace {

TEST(PlainText, IsUtf8WithoutControlCharacters) {
  for (const std::string plain : {"", "a b", "\xc3\xa9", "\xc2\xa0", "\xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_plain_text(plain)) << plain;
  }
  for (const std::string& other : {std::string("a\0", 2), std::string("\x1b[2J"), std::string("a\nb"),
                                   std::string("\x7f"), std::string("\xc2\x80"), std::string("\xc2\x9b"),
                                   std::string("\xff"), std::string("\xc3"), std::string("\xed\xa0\x80")}) {
    EXPECT_FALSE(is_plain_text(other)) << ::testing::PrintToString(other);
  }
}

TEST(InQuotes, ATerminalObeysNothingOfIt) {
  EXPECT_EQ(in_quotes(""), "\"\"");
  EXPECT_EQ(in_quotes("a \xc3\xa9"), "\"a \xc3\xa9\"");
  EXPECT_EQ(in_quotes("\x1b[2J\x7f\n\xc2\x9b"), "\"?[2J???\"");
}

TEST(InQuotes, IsUtf8WhateverStandsThere) {
  EXPECT_EQ(in_quotes("a\xff"), "\"a\xef\xbf\xbd\"");
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string quoted = in_quotes(std::string{static_cast<char>(first), static_cast<char>(second)});
      EXPECT_TRUE(is_plain_text(quoted)) << first << " " << second;
      EXPECT_NO_THROW(static_cast<void>(nlohmann::json(quoted).dump()));
    }
  }
}

TEST(InQuotes, IsCutBetweenCharacters) {
  EXPECT_EQ(in_quotes(std::string(120, 'a')), "\"" + std::string(120, 'a') + "\"");
  EXPECT_EQ(in_quotes(std::string(121, 'a')), "\"" + std::string(120, 'a') + "...\"");
  EXPECT_EQ(in_quotes(std::string(119, 'a') + "\xc3\xa9"), "\"" + std::string(119, 'a') + "...\"");
  EXPECT_EQ(in_quotes(std::string(118, 'a') + "\xc3\xa9"), "\"" + std::string(118, 'a') + "\xc3\xa9\"");
  std::string whole;
  for (int i = 0; i < 1000; ++i) whole += "\xe4\xb8\xad";
  EXPECT_EQ(in_quotes(whole), "\"" + whole.substr(0, 120) + "...\"");
}

}  // namespace
}  // namespace berth::checkpoint
