#include "core/report/svg_chart.h"

#include <gmock/gmock.h>

#include "core/report/text_table.h"

namespace berth::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PointChart chart() {
  PointChart chart;
  chart.title = "a < b & \"c\"";
  chart.x_title = "rate";
  chart.y_title = "score";
  chart.x_scale = ChartScale::kLog;
  chart.series = {{"one", {{1e-5, 0.5, 0.4, 0.6}, {1e-4, 0.75}}}, {"two", {{1e-5, 0.25}}}};
  return chart;
}

TEST(SvgChart, SaysTheValuesAndEscapesText) {
  const auto svg = draw(chart());
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; &quot;c&quot;"));
  EXPECT_THAT(svg, HasSubstr("<title>one, rate 1e-05: 0.5 (0.4 to 0.6)</title>"));
  EXPECT_THAT(svg, HasSubstr("<title>two, rate 1e-05: 0.25</title>"));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_EQ(draw(chart()), svg);
}

TEST(SvgChart, LeavesOutWhatIsNotANumber) {
  auto with = chart();
  with.series[1].points.push_back({1e-5, std::numeric_limits<double>::quiet_NaN()});
  EXPECT_EQ(draw(with), draw(chart()));
  EXPECT_THAT(draw(with), Not(HasSubstr("nan")));
  with.series.clear();
  EXPECT_THAT(draw(with), HasSubstr("no scores"));
}

TEST(SvgChart, ASinglePointStandsInTheMiddle) {
  auto one = chart();
  one.series = {{"", {{1e-5, 0.5}}}};
  const auto svg = draw(one);
  EXPECT_THAT(svg, HasSubstr("cx=\"306.0\" cy=\"184.0\""));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
}

TEST(SvgChart, NamesStandWhereNumbersWould) {
  PointChart names;
  names.x_scale = ChartScale::kNames;
  names.x_names = {"full", "lora"};
  names.series = {{"", {{0, 0.5}, {1, 0.6}}}};
  EXPECT_THAT(draw(names), HasSubstr(">lora</text>"));
  EXPECT_THAT(draw(names), HasSubstr("<title>full: 0.5</title>"));
  names.x_names[1] = "a name too long to stand beside its neighbours";
  EXPECT_THAT(draw(names), HasSubstr("rotate(-90"));
}

TEST(SvgChart, HeatMapsHaveTheirNumbersInCells) {
  HeatMap map{"f1", "trained on", "tested on", {"a", "b"}, {"a", "b"}, {}};
  map.cells = {{{0.9, "0.85 to 0.95"}, {0.5, ""}}, {{std::numeric_limits<double>::quiet_NaN(), "x"}, {0.7, ""}}};
  const auto svg = draw(map);
  for (const auto* text : {">0.9000<", ">0.5000<", ">0.7000<", ">0.85 to 0.95<"}) EXPECT_THAT(svg, HasSubstr(text));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(TextTable, ColumnsAreAsWideAsTheirWidestCell) {
  EXPECT_EQ(text_table({{"a", "b"}, {"größer", "2"}, {"", "3"}}), "a       b\ngrößer  2\n        3\n");
}

}  // namespace
}  // namespace berth::report
