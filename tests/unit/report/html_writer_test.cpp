#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "core/report/html/html_page.h"
#include "core/report/html/html_writer.h"
#include "core/report/html/marked_text.h"
#include "core/report/html/shown_html.h"
#include "core/report/shell_word.h"
#include "tests/unit/report/count.h"

namespace berth::report::html {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(HtmlWriter, EscapesWhatHtmlGivesAMeaning) {
  EXPECT_EQ(escaped("</script><img onerror='x' title=\"y\">&amp;"),
            "&lt;/script&gt;&lt;img onerror=&#39;x&#39; title=&quot;y&quot;&gt;&amp;amp;");
  EXPECT_EQ(escaped("größer 😀\ttab\nline"), "größer 😀\ttab\nline");
}

TEST(HtmlWriter, WhatIsNoTextIsReplaced) {
  EXPECT_EQ(escaped(std::string("a\0b\x1b[31m\x7f", 9)), "a\uFFFDb\uFFFD[31m\uFFFD");
  EXPECT_EQ(escaped("\xC3"), "\uFFFD");
  EXPECT_EQ(escaped("\xFF\xFEok"), "\uFFFD\uFFFDok");
  EXPECT_EQ(escaped("\xC2\x85"), "\uFFFD");  // a control character of C1
  EXPECT_EQ(escaped("one\r\ntwo"), "one\ntwo");
}

TEST(HtmlWriter, ShortensByCharacters) {
  EXPECT_EQ(shortened("abcd", 4), "abcd");
  EXPECT_EQ(shortened("abcde", 4), "abc\u2026");
  EXPECT_EQ(shortened("äöüßé", 4), "äöü\u2026");
}

TEST(HtmlWriter, NumbersForPeople) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(27919906), "27,919,906");
  EXPECT_EQ(count_text(-1234), "-1,234");
  EXPECT_EQ(score_text(0.79), "0.7900");
  EXPECT_EQ(score_text(std::numeric_limits<double>::quiet_NaN()), "\u2013");
}

TEST(HtmlWriter, TablesSayWhatTheirCellsAre) {
  const auto html = table_html({"a < b", {{"task", CellKind::kText}, {"score"}}, {{text_cell("x<y"), text_cell("1")}}});
  EXPECT_THAT(html, HasSubstr("a &lt; b"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\">score</th>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">x&lt;y</th><td>1</td>"));
  EXPECT_THAT(html, HasSubstr("tabindex=\"0\""));
  EXPECT_EQ(more_html(5, 5), "");
  EXPECT_THAT(more_html(1205, 5), HasSubstr("and 1,200 more"));
}

// The hash of nothing is known from elsewhere.
TEST(HtmlPage, ThePolicyNamesWhatStandsInThePage) {
  EXPECT_EQ(policy_hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
}

TEST(ShellWord, QuotesWhatAShellWouldTakeOtherwise) {
  EXPECT_EQ(shell_word("runs/a-1"), "runs/a-1");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's; rm"), "'it'\\''s; rm'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(MarkedText, StretchesWithTheSameMarksAreOneElement) {
  const auto html = marked_html("to New York City", {{3, 11, "answer", "place"}, {3, 16, "truth", "place"}});
  EXPECT_THAT(html, HasSubstr("to <mark class=\"answer truth\">New York</mark>"));
  EXPECT_THAT(html, HasSubstr("<mark class=\"truth\"> City</mark>"));
  EXPECT_EQ(count(html, ">place<"), 2U);
}

TEST(MarkedText, EndsWithinACharacterOrBeyondTheTextAreMoved) {
  const auto html = marked_html("aßb", {{0, 2, "answer", ""}, {3, 99, "truth", ""}, {50, 60, "source", ""}});
  EXPECT_THAT(html, HasSubstr("<mark class=\"answer\">a</mark>"));
  EXPECT_THAT(html, HasSubstr("<mark class=\"truth\">b</mark>"));
  EXPECT_THAT(html, Not(HasSubstr("source")));
  EXPECT_THAT(html, Not(HasSubstr("\uFFFD")));
}

nlohmann::ordered_json copied() {
  return nlohmann::ordered_json::parse(R"x({"texts": [
    {"title": "source", "text": "two jars", "marks": [{"begin": 0, "end": 3, "kind": "source", "link": 1},
                                                      {"begin": 4, "end": 8, "kind": "source", "link": 2}]},
    {"title": "answer", "text": "jars two", "marks": [{"begin": 0, "end": 4, "kind": "answer", "link": 2},
                                                      {"begin": 5, "end": 8, "kind": "answer", "link": 1}]}],
    "answer": "jars two", "truth": "two", "error": 1, "reason": "a word too many", "file": "dev.tsv", "line": 7})x");
}

TEST(ShownHtml, CopiedWordsLeadToTheirSourceAndBack) {
  const auto html = shown_html(copied(), "x");
  EXPECT_THAT(html, HasSubstr("<a href=\"#x-m3\" data-link=\"1\" id=\"x-m0\">two</a>"));
  EXPECT_THAT(html, HasSubstr("<a href=\"#x-m0\" data-link=\"1\" id=\"x-m3\">two</a>"));
  EXPECT_THAT(html, HasSubstr("<a href=\"#x-m2\" data-link=\"2\" id=\"x-m1\">jars</a>"));
  EXPECT_THAT(html, HasSubstr("a word too many"));
  EXPECT_THAT(html, HasSubstr("dev.tsv:7"));
}

TEST(ShownHtml, AMarkThatBelongsToNoOtherIsNoLink) {
  auto shown = copied();
  shown["texts"].erase(1);
  EXPECT_THAT(shown_html(shown), Not(HasSubstr("<a ")));
}

TEST(ShownHtml, TakesWhateverIsThere) {
  for (const auto* text :
       {"null", "[]", "7", "{}", R"({"texts": 5, "answer": [], "error": "x"})",
        R"({"texts": [1, {"text": 2, "marks": {"begin": 1}}, {"marks": [7, {"begin": -1, "end": 1e300}]}]})"}) {
    const auto html = shown_html(nlohmann::ordered_json::parse(text));
    EXPECT_THAT(html, HasSubstr("class=\"shown\"")) << text;
  }
}

}  // namespace
}  // namespace berth::report::html
