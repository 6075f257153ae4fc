#include "core/report/html/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/report/html/html_writer.h"
#include "core/report/html/plot_text.h"

namespace berth::report::html {
namespace {

constexpr double kWidth = 440;
constexpr double kLeft = 66;
constexpr double kRight = kWidth - 12;
constexpr double kTop = 10;
constexpr double kBottom = 210;
constexpr double kLetter = 6.5;  // width of one at 12 px, about
constexpr double kLegendLine = 18;
constexpr std::size_t kLongestName = 30;
constexpr std::size_t kColours = 8;  // s0 to s7 in page.css

constexpr std::array kDashes = {"", "7 3", "2 3", "9 3 2 3", "5 5"};

// Around 0, 0: circle, square, triangle, diamond, cross.
constexpr std::array kMarkPaths = {"m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0", "m-3.2-3.2h6.4v6.4h-6.4z",
                                   "m0-4.4l4.2 7.4h-8.4z", "m0-4.8l4.2 4.8l-4.2 4.8l-4.2-4.8z",
                                   "m-1.3-4h2.6v2.7h2.7v2.6h-2.7v2.7h-2.6v-2.7h-2.7v-2.6h2.7z"};

double width_of(const std::string& text) {
  const auto letters = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return kLetter * static_cast<double>(letters);
}

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::string label(double x, double y, const std::string& text, const std::string& more = "text-anchor=\"middle\"") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", x, y, more, escaped(text));
}

class Drawing {
 public:
  explicit Drawing(const Plot& plot) : plot_(plot), x_(x_axis(plot)), y_(y_axis(plot)) {
    x_.lay(kLeft, kRight);
    y_.lay(kBottom, kTop);
    double widest = 0;
    for (const auto& name : plot.x_names) widest = std::max(widest, width_of(shortened(name, kLongestName)));
    is_turned_ = widest > (kRight - kLeft) / std::max(1.0, static_cast<double>(plot.x_names.size())) - 6;
    title_y_ = kBottom + (is_turned_ ? widest * 0.64 + 30 : 36);
  }

  std::string svg() const {
    std::string marks;
    for (const auto& one : plot_.series) marks += series(one);
    double y = title_y_ + 20;
    const auto keys = legend(y);
    auto text = fmt::format(
        "<svg viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\" aria-labelledby=\"{2}-t {2}-d\">\n<title id=\"{2}-t\">{3}"
        "</title>\n<desc id=\"{2}-d\">{4}</desc>\n",
        kWidth, y, escaped(plot_.id), escaped(plot_.title), escaped(description_of(plot_)));
    return text + axes() + guides() + marks + keys + "</svg>\n";
  }

 private:
  static Axis x_axis(const Plot& plot) {
    if (plot.x_scale == ChartScale::kNames) {
      return {0, std::max(0.0, static_cast<double>(plot.x_names.size()) - 1), plot.x_scale};
    }
    Range range;
    for (const auto& series : plot.series) {
      for (const auto& point : series.points) {
        const double half = series.look == Look::kBars ? plot.bar_width / 2 : 0;
        if (is_drawn(point)) range.add(point.x - half);
        if (is_drawn(point)) range.add(point.x + half);
      }
    }
    if (plot.guide == Guide::kDiagonal) range = {0, 1};
    return {range.low, range.high, plot.x_scale};
  }

  static Axis y_axis(const Plot& plot) {
    Range range;
    for (const auto& series : plot.series) {
      for (const auto& point : series.points) {
        if (!is_drawn(point)) continue;
        for (const double y : {point.y, point.low, point.high}) range.add(y);
        if (series.look == Look::kBars) range.add(0);
      }
    }
    for (const auto& level : plot.levels) range.add(level.y);
    range.add(plot.least);
    range.add(plot.most);
    return {range.low, range.high, ChartScale::kLinear};
  }

  std::string axes() const {
    std::string text = "<g class=\"axes\">\n";
    for (const double tick : y_.ticks()) {
      text += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", kLeft, y_.at(tick), kRight);
      text += label(kLeft - 7, y_.at(tick) + 4, plot_number(tick), "text-anchor=\"end\"");
    }
    if (plot_.x_scale == ChartScale::kNames) {
      for (std::size_t i = 0; i < plot_.x_names.size(); ++i) text += x_name(i);
    } else {
      for (const double tick : x_.ticks()) text += label(x_.at(tick), kBottom + 17, plot_number(tick));
    }
    const bool has_bars = std::any_of(plot_.series.begin(), plot_.series.end(),
                                      [](const PlotSeries& one) { return one.look == Look::kBars; });
    text += fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", kLeft, has_bars ? y_.at(0) : kBottom,
                        kRight);
    text += label((kLeft + kRight) / 2, title_y_, plot_.x_title, "text-anchor=\"middle\" class=\"title\"");
    const double middle = (kTop + kBottom) / 2;
    text += label(14, middle, plot_.y_title,
                  fmt::format("text-anchor=\"middle\" class=\"title\" transform=\"rotate(-90 14 {:.1f})\"", middle));
    return text + "</g>\n";
  }

  std::string x_name(std::size_t i) const {
    const double x = x_.at(static_cast<double>(i));
    const auto name = shortened(plot_.x_names[i], kLongestName);
    if (!is_turned_) return label(x, kBottom + 17, name);
    return label(x + 4, kBottom + 14, name,
                 fmt::format("text-anchor=\"end\" transform=\"rotate(-40 {:.1f} {:.1f})\"", x + 4, kBottom + 14));
  }

  // The names of levels that lie close together share a line above them.
  std::string guides() const {
    std::string text;
    if (plot_.guide == Guide::kDiagonal) {
      text += fmt::format("<path class=\"level\" d=\"M{:.1f} {:.1f}L{:.1f} {:.1f}\"/>\n", x_.at(0), y_.at(0), x_.at(1),
                          y_.at(1));
    }
    auto levels = plot_.levels;
    std::sort(levels.begin(), levels.end(), [](const Level& a, const Level& b) { return a.y > b.y; });
    std::vector<std::pair<double, std::string>> names;  // by pixel, from above
    for (const auto& level : levels) {
      const double y = y_.at(level.y);
      text += fmt::format("<path class=\"level\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", kLeft, y, kRight);
      const auto name = fmt::format("{} {}", level.name, plot_number(level.y));
      if (names.empty() || y - names.back().first > 15) {
        names.emplace_back(y, name);
      } else {
        names.back().second += ", " + name;
      }
    }
    for (const auto& [y, name] : names) {
      text += label(kRight, y - 4, name, "text-anchor=\"end\" class=\"level-name\"");
    }
    return text;
  }

  // Marks that share a name on the axis stand side by side.
  double shift(const PlotSeries& series) const {
    if (plot_.x_scale != ChartScale::kNames || series.look != Look::kMarks) return 0;
    const auto place = static_cast<double>(&series - plot_.series.data());
    return (place - (static_cast<double>(plot_.series.size()) - 1) / 2) * 9;
  }

  static std::string group(const PlotSeries& series) {
    return fmt::format("<g class=\"s{}{}\">\n", series.place % kColours, series.look == Look::kPale ? " pale" : "");
  }

  static std::string dashes(const PlotSeries& series) {
    const std::string pattern = kDashes[series.place % kDashes.size()];
    if (pattern.empty() || series.look == Look::kPale) return "";
    return fmt::format(" stroke-dasharray=\"{}\"", pattern);
  }

  static const char* mark_path(const PlotSeries& series) { return kMarkPaths[series.place % kMarkPaths.size()]; }

  std::string series(const PlotSeries& series) const {
    std::string line;
    std::string points;
    for (const auto& one : series.points) {
      if (!is_drawn(one)) continue;
      const double x = x_.at(one.x) + shift(series);
      line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x, y_.at(one.y));
      points += point(series, one, x);
    }
    const bool has_line = series.look != Look::kMarks && series.look != Look::kBars && !line.empty();
    const auto path =
        has_line ? fmt::format("<path class=\"line\"{} d=\"{}\"/>\n", dashes(series), line) : std::string();
    return group(series) + band(series) + path + points + "</g>\n";
  }

  std::string point(const PlotSeries& series, const PlotPoint& point, double x) const {
    const double y = y_.at(point.y);
    auto tip = fmt::format("{}: {}", x_text(plot_, point.x), plot_number(point.y));
    if (!series.name.empty()) tip = fmt::format("{}, {}", series.name, tip);
    if (std::isfinite(point.low)) tip += fmt::format(" ({} to {})", plot_number(point.low), plot_number(point.high));
    if (!point.note.empty()) tip += "; " + point.note;
    const auto title = fmt::format("<title>{}</title>", escaped(tip));
    if (series.look == Look::kBars) {
      const double left = x_.at(point.x - plot_.bar_width / 2);
      const double zero = y_.at(0);
      return fmt::format("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\">{}</rect>\n",
                         left + 1, std::min(y, zero), x_.at(point.x + plot_.bar_width / 2) - left - 2,
                         std::abs(zero - y), title);
    }
    if (series.look == Look::kMarked || series.look == Look::kMarks) {
      return fmt::format("<path class=\"mark\" d=\"M{:.1f} {:.1f}{}\">{}</path>\n", x, y, mark_path(series), title);
    }
    return fmt::format("<circle class=\"hit\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\">{}</circle>\n", x, y, title);
  }

  std::string band(const PlotSeries& series) const {
    std::string upper;
    std::string lower;
    for (const auto& point : series.points) {
      if (!is_drawn(point) || !std::isfinite(point.low) || !std::isfinite(point.high)) continue;
      const double x = x_.at(point.x);
      upper += fmt::format("{}{:.1f} {:.1f}", upper.empty() ? "M" : "L", x, y_.at(point.high));
      lower.insert(0, fmt::format("L{:.1f} {:.1f}", x, y_.at(point.low)));
    }
    return upper.empty() ? "" : fmt::format("<path class=\"band\" d=\"{}{}z\"/>\n", upper, lower);
  }

  // y: of the first line; behind it, of what comes after the last.
  std::string legend(double& y) const {
    const bool is_needed =
        plot_.series.size() > 1 || std::any_of(plot_.series.begin(), plot_.series.end(),
                                               [](const PlotSeries& series) { return !series.name.empty(); });
    if (!is_needed) {
      y -= 8;
      return "";
    }
    std::string text;
    double x = kLeft;
    for (const auto& series : plot_.series) {
      const auto name = shortened(series.name, kLongestName);
      const double width = 30 + width_of(name) + 14;
      if (x > kLeft && x + width > kRight + 14) {
        x = kLeft;
        y += kLegendLine;
      }
      text += group(series);
      if (series.look == Look::kBars) {
        text += fmt::format("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"22\" height=\"10\"/>\n", x, y - 9);
      } else if (series.look != Look::kMarks) {
        text += fmt::format("<path class=\"line\"{} d=\"M{:.1f} {:.1f}h22\"/>\n", dashes(series), x, y - 4);
      }
      if (series.look == Look::kMarked || series.look == Look::kMarks) {
        text += fmt::format("<path class=\"mark\" d=\"M{:.1f} {:.1f}{}\"/>\n", x + 11, y - 4, mark_path(series));
      }
      text += "</g>\n" + label(x + 28, y, name, "class=\"key\"");
      x += width;
    }
    y += 10;
    return text;
  }

  const Plot& plot_;
  Axis x_;
  Axis y_;
  bool is_turned_ = false;
  double title_y_ = 0;
};

}  // namespace

std::string plot_html(const Plot& plot) {
  const auto has_points = [](const PlotSeries& series) {
    return std::any_of(series.points.begin(), series.points.end(), is_drawn);
  };
  if (std::none_of(plot.series.begin(), plot.series.end(), has_points)) return "";
  const auto note = plot.note.empty() ? "" : fmt::format("<span class=\"note\">{}</span>", escaped(plot.note));
  return fmt::format("<figure class=\"chart\">\n<figcaption>{}{}</figcaption>\n{}{}</figure>\n", escaped(plot.title),
                     note, Drawing(plot).svg(),
                     details_html(plot.id + "-data", "Numbers: " + plot.title, plot_table_html(plot)));
}

}  // namespace berth::report::html
