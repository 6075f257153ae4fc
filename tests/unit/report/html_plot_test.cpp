#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>

#include "core/report/html/curve.h"
#include "core/report/html/plot.h"
#include "tests/unit/report/count.h"

namespace berth::report::html {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Plot scores() {
  Plot plot{"p", "a & b", "step", "score"};
  plot.series = {{"one", {{0, 0.25}, {10, 0.5}, {20, 0.75}}}, {"two", {{10, 0.125}}, Look::kMarked, 1}};
  plot.levels = {{"majority", 0.3}};
  return plot;
}

TEST(Plot, SaysItsNumbersAtThePointsInWordsAndInATable) {
  const auto html = plot_html(scores());
  for (const auto* tip : {"<title>one, step 0: 0.25</title>", "<title>one, step 10: 0.5</title>",
                          "<title>one, step 20: 0.75</title>", "<title>two, step 10: 0.125</title>"}) {
    EXPECT_THAT(html, HasSubstr(tip));
  }
  EXPECT_THAT(html, HasSubstr("role=\"img\" aria-labelledby=\"p-t p-d\""));
  EXPECT_THAT(html, HasSubstr("<title id=\"p-t\">a &amp; b</title>"));
  EXPECT_THAT(html, HasSubstr("one: from 0.25 at step 0 to 0.75 at step 20, least 0.25, most 0.75."));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">10</th><td>0.5</td><td>0.125</td>"));
  EXPECT_THAT(html, HasSubstr("<th scope=\"row\">20</th><td>0.75</td><td></td>"));
  EXPECT_THAT(html, HasSubstr("majority 0.3"));
  EXPECT_EQ(plot_html(scores()), html);
}

// The axes reach from 0 to 20 and from 0.125 to 0.75, each with a twentieth around.
TEST(Plot, PointsStandWhereTheirNumbersAre) {
  const auto html = plot_html(scores());
  const auto x = [](double value) { return 66 + (value + 1) / 22 * (428 - 66); };
  const auto y = [](double value) { return 210 - (value - 0.09375) / 0.6875 * 200; };
  char line[100];
  std::snprintf(line, sizeof line, "d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1f\"", x(0), y(0.25), x(10), y(0.5), x(20),
                y(0.75));
  EXPECT_THAT(html, HasSubstr(line));
}

TEST(Plot, SeriesDifferByMoreThanColour) {
  const auto html = plot_html(scores());
  EXPECT_THAT(html, HasSubstr("stroke-dasharray=\"7 3\""));
  EXPECT_THAT(html, HasSubstr("m-3.5 0a3.5"));    // circles
  EXPECT_THAT(html, HasSubstr("m-3.2-3.2h6.4"));  // squares
}

TEST(Plot, WhatIsNotANumberIsLeftOut) {
  auto plot = scores();
  plot.series[1].points.push_back({20, std::nan("")});
  plot.series[1].points.push_back({std::nan(""), 1});
  EXPECT_EQ(plot_html(plot), plot_html(scores()));
  plot.series = {{"one", {{0, std::nan("")}}}};
  EXPECT_EQ(plot_html(plot), "");
  plot.series.clear();
  EXPECT_EQ(plot_html(plot), "");
}

TEST(Plot, NamesAreEscapedAndShortened) {
  Plot plot{"p", "</title><script>", "x", "y"};
  plot.x_scale = ChartScale::kNames;
  plot.x_names = {"<img onerror=x>", std::string(200, 'w')};
  plot.series = {{"<b>", {{0, 1}, {1, 2}}, Look::kBars}};
  const auto html = plot_html(plot);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("<b>")));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_EQ(count(html, "<rect class=\"bar\""), 3U);  // and one in the legend
}

TEST(Plot, NumbersOfAnySizeAreDrawn) {
  for (const double y : {0.0, -5.0, 1e-300, 1e300, 12345678.0}) {
    Plot plot{"p", "t", "x", "y"};
    plot.series = {{"", {{1, y}}}};
    const auto html = plot_html(plot);
    EXPECT_EQ(count(html, "class=\"mark\""), 1U) << y;
    EXPECT_THAT(html, Not(HasSubstr("nan"))) << y;
    EXPECT_THAT(html, Not(HasSubstr("inf"))) << y;
  }
}

TEST(Plot, StepsAreWrittenOutAndScoresInFourDigits) {
  EXPECT_EQ(plot_number(12345), "12345");
  EXPECT_EQ(plot_number(1234567), "1234567");
  EXPECT_EQ(plot_number(-12345), "-12345");
  EXPECT_EQ(plot_number(0.123456), "0.1235");
  EXPECT_EQ(plot_number(0.00012345), "0.0001234");
  EXPECT_EQ(plot_number(3e9), "3e+09");
}

TEST(Curve, FewPointsStay) {
  const std::vector<PlotPoint> points = {{1, 2}, {2, std::nan("")}, {3, 4}};
  const auto few = thinned(points);
  ASSERT_EQ(few.size(), 2U);
  EXPECT_EQ(few[1].x, 3);
  EXPECT_TRUE(std::isnan(few[1].low));
  EXPECT_EQ(thinning_note(points.size()), "");
}

TEST(Curve, ManyPointsBecomeMeansThatKnowLeastAndMost) {
  std::vector<PlotPoint> points;
  for (int i = 0; i < 1000; ++i) points.push_back({static_cast<double>(i), i % 4 == 0 ? 8.0 : 0.0});
  const auto few = thinned(points);
  ASSERT_EQ(few.size(), 250U);
  EXPECT_EQ(few[0].x, 1.5);
  EXPECT_EQ(few[0].y, 2);
  EXPECT_EQ(few[249].low, 0);
  EXPECT_EQ(few[249].high, 8);
  EXPECT_THAT(thinning_note(points.size()), HasSubstr("mean of 4 lines"));
}

TEST(Curve, SmoothingKeepsConstantsAndDoesNotLag) {
  std::vector<PlotPoint> flat;
  std::vector<PlotPoint> peak;
  for (int i = 0; i <= 40; ++i) {
    flat.push_back({static_cast<double>(i), 3});
    peak.push_back({static_cast<double>(i), i == 20 ? 1.0 : 0.0});
  }
  for (const auto& point : smoothed(flat)) EXPECT_NEAR(point.y, 3, 1e-12);
  const auto smooth = smoothed(peak);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_NEAR(smooth[i].y, smooth[40 - i].y, 1e-12);
  EXPECT_LT(smooth[20].y, 0.5);
  EXPECT_GT(smooth[20].y, smooth[19].y);
}

}  // namespace
}  // namespace berth::report::html
