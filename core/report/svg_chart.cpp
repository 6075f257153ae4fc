#include "core/report/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "core/report/html/html_writer.h"

namespace berth::report {
namespace {

using html::escaped;

// Colours that most people tell apart, on light and on dark ground (Okabe & Ito 2008).
constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"};

constexpr double kLetter = 6.6;  // width of one at 11 px, about

// Code points, for the room that a text needs.
double width_of(std::string_view text) {
  const auto letters = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return kLetter * static_cast<double>(letters);
}

double widest(const std::vector<std::string>& texts) {
  double width = 0;
  for (const auto& text : texts) width = std::max(width, width_of(text));
  return width;
}

std::string number(double value) { return fmt::format("{:.4g}", value); }

// The open <svg>, its colours, its ground and its title.
std::string open_svg(double width, double height, const std::string& title) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"sans-serif\" font-size=\"11\">\n"
      "<style>.ground{{fill:#ffffff}}.ink{{fill:#222222}}.axis{{stroke:#222222;fill:none}}.grid{{stroke:#dddddd}}"
      "@media(prefers-color-scheme:dark){{.ground{{fill:#1c1c1c}}.ink{{fill:#e6e6e6}}.axis{{stroke:#e6e6e6}}"
      ".grid{{stroke:#444444}}}}</style>\n"
      "<title>{2}</title>\n<rect class=\"ground\" width=\"{0:.0f}\" height=\"{1:.0f}\"/>\n"
      "<text class=\"ink\" x=\"12\" y=\"20\" font-size=\"13\" font-weight=\"bold\">{2}</text>\n",
      width, height, escaped(title));
}

struct Label {
  double x;
  double y;
  std::string_view text;
  std::string_view more = "text-anchor=\"middle\"";  // further attributes
};

std::string draw_label(const Label& label) {
  return fmt::format("<text class=\"ink\" x=\"{:.1f}\" y=\"{:.1f}\" {}>{}</text>\n", label.x, label.y, label.more,
                     escaped(label.text));
}

std::string turned_label(double x, double y, std::string_view text) {
  const auto more = fmt::format("text-anchor=\"middle\" transform=\"rotate(-90 {:.1f} {:.1f})\"", x, y);
  return draw_label({x, y, text, more});
}

bool is_drawn(const ChartPoint& point) { return std::isfinite(point.x) && std::isfinite(point.y); }
bool has_bar(const ChartPoint& point) { return std::isfinite(point.low) && std::isfinite(point.high); }

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

// Draws one PointChart.
class PointDrawing {
 public:
  explicit PointDrawing(const PointChart& chart) : chart_(chart), x_(x_axis(chart)), y_(y_axis(chart)) {
    const bool are_long = widest(chart.x_names) > kStep - 8;
    const auto names = static_cast<double>(chart.x_names.size());
    plot_width_ = std::clamp(chart.x_scale == ChartScale::kNames ? names * (are_long ? 24 : kStep) : 0, 480.0, 1400.0);
    turned_ = are_long && chart.x_scale == ChartScale::kNames;
    bottom_ = kTop + kPlotHeight;
    names_height_ = turned_ ? widest(chart.x_names) + 16 : 22;
    x_.lay(kLeft, kLeft + plot_width_);
    y_.lay(bottom_, kTop);
  }

  std::string draw() const {
    std::vector<std::string> names;
    for (const auto& series : chart_.series) names.push_back(series.name);
    const double legend = has_legend() ? widest(names) + 44 : 12;
    auto text = open_svg(std::max(kLeft + plot_width_ + legend, width_of(chart_.title) * 1.3 + 24),
                         bottom_ + names_height_ + 24, chart_.title);
    text += axes();
    bool is_empty = true;
    for (std::size_t i = 0; i < chart_.series.size(); ++i) {
      const auto& points = chart_.series[i].points;
      is_empty = is_empty && std::none_of(points.begin(), points.end(), is_drawn);
      text += series(i);
      if (has_legend()) text += legend_line(i);
    }
    if (is_empty) text += draw_label({kLeft + plot_width_ / 2, kTop + kPlotHeight / 2, "no scores"});
    return text + "</svg>\n";
  }

 private:
  static constexpr double kLeft = 66;
  static constexpr double kTop = 34;
  static constexpr double kPlotHeight = 300;
  static constexpr double kStep = 90;  // between names

  static Axis x_axis(const PointChart& chart) {
    if (chart.x_scale == ChartScale::kNames) {
      return {0, std::max(0.0, static_cast<double>(chart.x_names.size()) - 1), chart.x_scale};
    }
    Range range;
    for (const auto& series : chart.series) {
      for (const auto& point : series.points) {
        if (is_drawn(point)) range.add(point.x);
      }
    }
    if (range.low > range.high) range = {1, 1};
    return {range.low, range.high, chart.x_scale};
  }

  static Axis y_axis(const PointChart& chart) {
    Range range;
    for (const auto& series : chart.series) {
      for (const auto& point : series.points) {
        if (!is_drawn(point)) continue;
        range.add(point.y);
        if (has_bar(point)) range.add(point.low);
        if (has_bar(point)) range.add(point.high);
      }
    }
    if (range.low > range.high) range = {0, 1};
    return {range.low, range.high, ChartScale::kLinear};
  }

  bool has_legend() const { return chart_.series.size() > 1; }

  std::string axes() const {
    std::string text;
    const double right = kLeft + plot_width_;
    for (const double tick : y_.ticks()) {
      text += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", kLeft, y_.at(tick), right);
      text += draw_label({kLeft - 6, y_.at(tick) + 4, number(tick), "text-anchor=\"end\""});
    }
    if (chart_.x_scale == ChartScale::kNames) {
      for (std::size_t i = 0; i < chart_.x_names.size(); ++i) text += x_name(i);
    } else {
      for (const double tick : x_.ticks()) {
        text += fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}v4\"/>\n", x_.at(tick), bottom_);
        text += draw_label({x_.at(tick), bottom_ + 16, number(tick)});
      }
    }
    text += fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}V{:.1f}H{:.1f}\"/>\n", kLeft, kTop, bottom_, right);
    text += draw_label({kLeft + plot_width_ / 2, bottom_ + names_height_ + 14, chart_.x_title});
    return text + turned_label(16, kTop + kPlotHeight / 2, chart_.y_title);
  }

  std::string x_name(std::size_t i) const {
    const double x = x_.at(static_cast<double>(i));
    if (!turned_) return draw_label({x, bottom_ + 16, chart_.x_names[i]});
    const auto more = fmt::format("text-anchor=\"end\" transform=\"rotate(-90 {:.1f} {:.1f})\"", x + 4, bottom_ + 8);
    return draw_label({x + 4, bottom_ + 8, chart_.x_names[i], more});
  }

  // Series that share their names on the x axis stand side by side.
  double shift(std::size_t series) const {
    if (chart_.x_scale != ChartScale::kNames) return 0;
    return (static_cast<double>(series) - (static_cast<double>(chart_.series.size()) - 1) / 2) * 6;
  }

  std::string series(std::size_t index) const {
    const auto& series = chart_.series[index];
    const auto* colour = kColours[index % kColours.size()];
    std::string marks;
    std::string path;
    for (const auto& point : series.points) {
      if (!is_drawn(point)) continue;
      const double x = x_.at(point.x) + shift(index);
      const double y = y_.at(point.y);
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", x, y);
      auto tip = fmt::format("{}: {}", x_text(point), number(point.y));
      if (has_bar(point)) {
        tip += fmt::format(" ({} to {})", number(point.low), number(point.high));
        marks += fmt::format(
            "<path stroke=\"{0}\" fill=\"none\" d=\"M{1:.1f} {2:.1f}V{3:.1f}m-3 0h6M{4:.1f} {2:.1f}h6\"/>\n", colour, x,
            y_.at(point.low), y_.at(point.high), x - 3);
      }
      if (has_legend()) tip = fmt::format("{}, {}", series.name, tip);
      marks += fmt::format("<circle fill=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"><title>{}</title></circle>\n",
                           colour, x, y, escaped(tip));
    }
    if (chart_.line == ChartLine::kJoined && !path.empty()) {
      marks = fmt::format("<path stroke=\"{}\" fill=\"none\" d=\"{}\"/>\n", colour, path) + marks;
    }
    return marks;
  }

  std::string x_text(const ChartPoint& point) const {
    if (chart_.x_scale != ChartScale::kNames) return fmt::format("{} {}", chart_.x_title, number(point.x));
    return chart_.x_names.at(static_cast<std::size_t>(point.x));
  }

  std::string legend_line(std::size_t index) const {
    const double x = kLeft + plot_width_ + 16;
    const double y = kTop + 8 + 18 * static_cast<double>(index);
    return fmt::format("<circle fill=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"/>\n",
                       kColours[index % kColours.size()], x, y) +
           draw_label({x + 10, y + 4, chart_.series[index].name, "text-anchor=\"start\""});
  }

  const PointChart& chart_;
  Axis x_;
  Axis y_;
  double plot_width_ = 0;
  double bottom_ = 0;
  double names_height_ = 0;
  bool turned_ = false;
};

// From pale to dark blue; share: in [0, 1]. The text on it is dark or light by itself.
struct CellColour {
  std::string fill;
  const char* ink;
};

CellColour cell_colour(double share) {
  const auto mixed = [share](double pale, double dark) { return std::lround(pale + share * (dark - pale)); };
  return {fmt::format("#{:02x}{:02x}{:02x}", mixed(0xe3, 0x08), mixed(0xee, 0x45), mixed(0xf9, 0x94)),
          share > 0.55 ? "#ffffff" : "#111111"};
}

}  // namespace

std::string draw(const PointChart& chart) { return PointDrawing(chart).draw(); }

std::string draw(const HeatMap& map) {
  constexpr double kTop = 62;
  constexpr double kHeight = 44;
  const double cell = std::max(84.0, widest(map.columns) + 14);
  const double left = widest(map.rows) + 44;
  const double width = left + cell * static_cast<double>(map.columns.size());
  const double bottom = kTop + kHeight * static_cast<double>(map.rows.size());
  Range range;
  for (const auto& row : map.cells) {
    for (const auto& one : row) {
      if (std::isfinite(one.value)) range.add(one.value);
    }
  }
  auto text = open_svg(std::max(width + 12, width_of(map.title) * 1.3 + 24), bottom + 16, map.title);
  text += draw_label({(left + width) / 2, 40, map.column_title});
  text += turned_label(16, (kTop + bottom) / 2, map.row_title);
  for (std::size_t j = 0; j < map.columns.size(); ++j) {
    text += draw_label({left + cell * (static_cast<double>(j) + 0.5), kTop - 6, map.columns[j]});
  }
  for (std::size_t i = 0; i < map.rows.size(); ++i) {
    const double y = kTop + kHeight * static_cast<double>(i);
    text += draw_label({left - 8, y + kHeight / 2 + 4, map.rows[i], "text-anchor=\"end\""});
    for (std::size_t j = 0; j < map.columns.size(); ++j) {
      const auto& one = map.cells[i][j];
      if (!std::isfinite(one.value)) continue;
      const double x = left + cell * static_cast<double>(j);
      const auto colour =
          cell_colour(range.high > range.low ? (one.value - range.low) / (range.high - range.low) : 0.5);
      text += fmt::format("<rect fill=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
                          colour.fill, x + 1, y + 1, cell - 2, kHeight - 2);
      text += fmt::format(
          "<text fill=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" font-size=\"13\">{:.4f}</text>\n",
          colour.ink, x + cell / 2, y + (one.note.empty() ? 27 : 20), one.value);
      if (one.note.empty()) continue;
      text +=
          fmt::format("<text fill=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" font-size=\"9\">{}</text>\n",
                      colour.ink, x + cell / 2, y + 34, escaped(one.note));
    }
  }
  return text + "</svg>\n";
}

}  // namespace berth::report
