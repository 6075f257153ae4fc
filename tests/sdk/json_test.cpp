#include "berth/kit/json.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "berth/kit/text.h"
#include "support.h"

namespace berth::kit {
namespace {

using test::expect_error;

TEST(Json, ReadsEveryTypeAndKeepsOrder) {
  const Json value = parse_json(R"( {"z": null, "a": [true, -7, 2.5, "x\u00e9\ud83d\ude00"], "m": {}} )");
  ASSERT_TRUE(value.is_object());
  EXPECT_EQ(value.as_object()[0].key, "z");
  EXPECT_EQ(value.as_object()[1].key, "a");
  EXPECT_TRUE(value.at("z").is_null());
  const Json::Array& items = value.at("a").as_array();
  EXPECT_TRUE(items[0].as_bool());
  EXPECT_EQ(items[1].as_int(), -7);
  EXPECT_EQ(items[2].as_double(), 2.5);
  EXPECT_EQ(items[3].as_string(), "x\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_TRUE(value.at("m").as_object().empty());
}

TEST(Json, IntegersKeepAll64Bits) {
  EXPECT_EQ(parse_json("9223372036854775807").as_int(), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_json("-9223372036854775808").as_int(), std::numeric_limits<std::int64_t>::min());
  const Json beyond = parse_json("9223372036854775808");
  EXPECT_FALSE(beyond.is_int());
  EXPECT_EQ(beyond.as_double(), 9223372036854775808.0);
}

TEST(Json, ErrorsSayWhere) {
  const Where where{"rows.jsonl", 12, 0};
  expect_error(ErrorKind::kContent, {"rows.jsonl:12:9: ", "not valid JSON"},
               [&] { parse_json(R"({"a": 1,})", where); });
  expect_error(ErrorKind::kContent, {"rows.jsonl:13:3: "}, [&] { parse_json("{\"a\":\n1 x}", where); });
  expect_error(ErrorKind::kContent, {"line 1, column 2"}, [&] { parse_json("nope"); });
  expect_error(ErrorKind::kContent, {"rows.jsonl:12:"}, [&] { parse_json("", where); });
  expect_error(ErrorKind::kContent, {"rows.jsonl:12:4: ", "UTF-8"}, [&] { parse_json("\"\xC3\xA9x\xFFy\"", where); });
  expect_error(ErrorKind::kContent, {"rows.jsonl:12:"}, [&] { parse_json("[1] [2]", where); });
  expect_error(ErrorKind::kContent, {"rows.jsonl:12:6: ", "number overflow parsing '1e999'"},
               [&] { parse_json("[1e999]", where); });
  expect_error(ErrorKind::kContent, {"rows.jsonl:12:"}, [&] { parse_json(R"("\ud800")", where); });
  expect_error(ErrorKind::kContent, {"rows.jsonl:12:"}, [&] { parse_json("\"a\x01\"", where); });
}

TEST(Json, RefusesAKeyThatAnObjectHasTwice) {
  expect_error(ErrorKind::kContent, {"f:1:11", "'a' twice"}, [] { parse_json(R"({"a":1, "a":2})", {"f", 1, 0}); });
  EXPECT_NO_THROW(parse_json(R"([{"a":1}, {"a":2}])"));
  EXPECT_NO_THROW(parse_json(R"({"a":{"a":1}})"));
}

TEST(Json, BoundsDepthAndSizeBeforeParsing) {
  const std::string deep(1'000'000, '[');
  expect_error(ErrorKind::kContent, {"deeper than the 100 levels"}, [&] { parse_json(deep); });
  const std::string fits = std::string(100, '[') + std::string(100, ']');
  EXPECT_NO_THROW(parse_json(fits));
  EXPECT_NO_THROW(parse_json("\"" + std::string(1000, '[') + "\\\"[\""));  // brackets in a string are none
  expect_error(ErrorKind::kContent, {"12 bytes", "at most 10"}, [] { parse_json("[1, 2, 3, 4]", {}, {10, 5}); });
}

TEST(Json, WrongTypesAndMissingKeysSayWhatWasFound) {
  const Json value = parse_json(R"({"label": "x", "text": 3})");
  expect_error(ErrorKind::kContent, {"expected an integer", "found a string"}, [&] { value.at("label").as_int(); });
  expect_error(ErrorKind::kContent, {"expected an object", "found an integer"}, [&] { value.at("text").at("a"); });
  expect_error(ErrorKind::kContent, {"'lable'", "nearest: 'label'"}, [&] { value.at("lable"); });
  EXPECT_EQ(value.find("lable"), nullptr);
}

TEST(Json, WritesWhatReadsBack) {
  Json value;
  value.set("text", "tab\t quote\" back\\ line\n nul" + std::string(1, '\0') + " \xE4\xB8\xAD");
  value.set("list", Json::Array{1, 2.0, true, false, Json()});
  value.set("text2", "");
  value.set("text2", "replaced");
  const std::string text = dump_json(value);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(parse_json(text), value);
  EXPECT_EQ(dump_json(parse_json(R"({"b":1,"a":[]})")), R"({"b": 1, "a": []})");
}

TEST(Json, DoublesRoundTripAndStayDoubles) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t bits = random();
    const auto number = std::bit_cast<double>(bits);
    const std::string text = dump_json(number);
    if (!std::isfinite(number)) {
      EXPECT_EQ(text, "null");
      continue;
    }
    const Json back = parse_json(text);
    ASSERT_FALSE(back.is_int()) << text;
    ASSERT_EQ(back.as_double(), number) << text;
  }
  EXPECT_EQ(dump_json(1.0), "1.0");
  EXPECT_EQ(dump_json(0.1), "0.1");
  EXPECT_EQ(dump_json(std::numeric_limits<double>::quiet_NaN()), "null");
}

TEST(Json, ReplacesBrokenUtf8WhenWriting) {
  EXPECT_EQ(dump_json("a\xFF z"), "\"a\xEF\xBF\xBD z\"");
  EXPECT_EQ(dump_json(std::string("\xE4\xB8")), "\"\xEF\xBF\xBD\"");
}

TEST(Text, FindsAndReplacesBrokenUtf8ByMaximalSubparts) {
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(find_invalid_utf8("plain \xE4\xB8\xAD \xF0\x9F\x98\x80"), std::string::npos);
  // From table 3-8 of the Unicode standard.
  EXPECT_EQ(replace_invalid_utf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a" + replacement + replacement + replacement + "b" + replacement + "c" + replacement + replacement + "d");
  EXPECT_EQ(find_invalid_utf8("ab\xC0\xAF"), 2U);                                            // overlong
  EXPECT_EQ(replace_invalid_utf8("\xED\xA0\x80"), replacement + replacement + replacement);  // surrogate
  EXPECT_EQ(replace_invalid_utf8("\xF4\x90\x80\x80"), replacement + replacement + replacement + replacement);
}

TEST(Text, ReadsNumbersWhole) {
  EXPECT_EQ(parse_number("-1.5e3"), -1500.0);
  EXPECT_EQ(parse_number("+2"), 2.0);
  for (const char* text : {"", "+", "+-2", "1,5", "3 ", "0x10", "nan", "inf", "1e999", "x"}) {
    EXPECT_FALSE(parse_number(text).has_value()) << text;
  }
}

TEST(Text, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string> names = {"positive", "negative", "neutral"};
  EXPECT_EQ(nearest_name("postive", names), "positive");
  EXPECT_EQ(nearest_name("NEUTRAL", names), "neutral");
  EXPECT_EQ(nearest_name("xyz", names), "");
  EXPECT_EQ(quote_for_message("a\nb\xFF" + std::string(100, 'c'), 6),
            "'a b\xEF\xBF\xBD"
            "cc...'");
  EXPECT_EQ(list_names({"a", "b", "c"}, 2), "'a', 'b' and 1 more");
}

}  // namespace
}  // namespace berth::kit
