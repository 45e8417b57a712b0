#include "tools/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace cdsr::report {
namespace {

constexpr double kWidth = 720, kHeight = 260, kLeft = 56, kRight = 12, kTop = 12, kBottom = 28;
constexpr size_t kMostPoints = 600;
constexpr size_t kColours = 6;

struct Axis {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void include(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  bool empty() const { return low > high; }
  /// Room for a line that never changes.
  void widen() {
    if (high - low > 1e-12 * std::max(1.0, std::abs(high))) return;
    const double room = high == 0 ? 1 : std::abs(high) * 0.05;
    low -= room;
    high += room;
  }
  /// 1, 2 or 5 times a power of ten, so that there are at most seven ticks.
  double step() const {
    const double rough = (high - low) / 6, power = std::pow(10, std::floor(std::log10(rough)));
    for (const double m : {1.0, 2.0, 5.0})
      if (m * power >= rough) return m * power;
    return 10 * power;
  }
  /// The multiples of step().
  std::vector<double> ticks() const {
    const double by = step(), first = std::ceil(low / by);
    std::vector<double> at(static_cast<size_t>(std::floor(high / by) - first + 1));
    for (size_t i = 0; i < at.size(); ++i) at[i] = (first + static_cast<double>(i)) * by;
    return at;
  }
};

using Points = std::vector<std::pair<double, double>>;

Points finite_points(const Series& s) {
  Points finite;
  for (const auto& p : s.points)
    if (std::isfinite(p.first) && std::isfinite(p.second)) finite.push_back(p);
  return finite;
}

Points thinned(Points finite) {
  if (finite.size() <= kMostPoints) return finite;
  Points out;
  for (size_t i = 0; i < kMostPoints; ++i) {
    const size_t from = i * finite.size() / kMostPoints, to = (i + 1) * finite.size() / kMostPoints;
    double x = 0, y = 0;
    for (size_t j = from; j < to; ++j) x += finite[j].first, y += finite[j].second;
    out.emplace_back(x / static_cast<double>(to - from), y / static_cast<double>(to - from));
  }
  return out;
}

std::string number(double v, double step) {
  if (std::abs(v) < step * 1e-6) v = 0;
  if (std::abs(v) >= 10'000 && step >= 1000) return fmt::format("{:g}k", v / 1000);
  return fmt::format("{:.6g}", v);
}

std::string base64(std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t v = 0;
    for (size_t j = 0; j < 3; ++j)
      v = v << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0U);
    for (size_t j = 0; j < 4; ++j) out += i + j <= bytes.size() ? kAlphabet[v >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

}  // namespace

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  return out;
}

namespace {

/// What stands in the <svg>, with series in the classes s0 to `classes` - 1 in turn. "" when no series has a
/// point.
std::string shapes(const Chart& chart, size_t classes) {
  std::vector<Points> series;
  Axis x, y;
  for (const Series& s : chart.series) {
    series.push_back(chart.scatter ? finite_points(s) : thinned(finite_points(s)));
    for (const auto& p : series.back()) {
      x.include(p.first);
      y.include(p.second);
    }
  }
  if (x.empty()) return "";
  x.widen();
  y.widen();
  const auto px = [&](double v) {
    return kLeft + (v - x.low) / (x.high - x.low) * (kWidth - kLeft - kRight);
  };
  const auto py = [&](double v) {
    return kHeight - kBottom - (v - y.low) / (y.high - y.low) * (kHeight - kTop - kBottom);
  };
  std::string out;
  if (!chart.scatter) {
    for (const double v : y.ticks())
      out += fmt::format(
          "<path class=\"grid\" d=\"M{} {:.1f}H{}\"/><text x=\"{}\" y=\"{:.1f}\" class=\"y\">{}</text>\n",
          kLeft, py(v), kWidth - kRight, kLeft - 6, py(v) + 4, number(v, y.step()));
    for (const double v : x.ticks())
      out += fmt::format("<text x=\"{:.1f}\" y=\"{}\" class=\"x\">{}</text>\n", px(v), kHeight - 8,
                         number(v, x.step()));
  }
  for (size_t i = 0; i < series.size(); ++i) {
    Points dots = series[i];
    if (!chart.scatter && !dots.empty()) {
      out += fmt::format("<path class=\"line s{}\" d=\"", i % classes);
      for (size_t j = 0; j < dots.size(); ++j)
        out += fmt::format("{}{:.1f} {:.1f}", j == 0 ? "M" : "L", px(dots[j].first), py(dots[j].second));
      out += "\"/>\n";
      dots = {dots.back()};  // a single point is a line of no length
    }
    for (const auto& p : dots)
      out += fmt::format("<circle class=\"s{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/>\n", i % classes,
                         px(p.first), py(p.second));
  }
  return out;
}

std::string heading(const Chart& chart) {
  return escape(chart.title) + (chart.unit.empty() ? "" : ", " + escape(chart.unit));
}

}  // namespace

std::string svg(const Chart& chart) {
  const std::string title = heading(chart), drawing = shapes(chart, kColours);
  std::string out = fmt::format("<figure><figcaption>{}</figcaption>", title);
  if (drawing.empty()) return out + "<p>Nothing to show.</p></figure>\n";
  out += fmt::format("\n<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n", kWidth,
                     kHeight, title, drawing);
  if (chart.series.size() > 1) {
    out += "<p class=\"legend\">";
    for (size_t i = 0; i < chart.series.size(); ++i)
      out += fmt::format("<span class=\"s{}\">{}</span> ", i % kColours, escape(chart.series[i].name));
    out += "</p>\n";
  }
  return out + "</figure>\n";
}

std::string svg_file(const Chart& chart) {
  constexpr double kTitle = 28, kAcross = 20, kLegend = 150;
  const size_t count = std::max<size_t>(chart.series.size(), 1);
  std::string style =
                  "text{font:12px sans-serif}.x{text-anchor:middle}.y{text-anchor:end}.grid{stroke:#ddd}"
                  ".line{fill:none;stroke-width:1.6}",
              legend;
  for (size_t i = 0; i < chart.series.size(); ++i) {
    // Hues spread around the circle.
    const std::string colour = fmt::format("hsl({:.0f},70%,42%)", 360.0 * static_cast<double>(i) / count);
    style += fmt::format("path.s{0}{{stroke:{1}}}circle.s{0}{{fill:{1}}}", i, colour);
    const double y = kTop + 12 + 18 * static_cast<double>(i);
    legend +=
        fmt::format("<circle class=\"s{}\" cx=\"{}\" cy=\"{}\" r=\"4\"/><text x=\"{}\" y=\"{}\">{}</text>\n",
                    i, kWidth + 10, y - 4, kWidth + 20, y, escape(chart.series[i].name));
  }
  const double middle = (kLeft + kWidth - kRight) / 2;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 {} {} {}\">\n<style>{}</style>\n"
      "<rect y=\"{}\" width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      "<text x=\"{}\" y=\"-10\" class=\"x\">{}</text>\n<text x=\"{}\" y=\"{}\" "
      "class=\"x\">{}</text>\n{}{}</svg>\n",
      -kTitle, kWidth + kLegend, kTitle + kHeight + kAcross, style, -kTitle, middle, heading(chart), middle,
      kHeight + 10, escape(chart.across), shapes(chart, count), legend);
}

std::string image(const std::string& alt, const std::string& type, std::string_view bytes) {
  return fmt::format("<img alt=\"{}\" src=\"data:image/{};base64,{}\">", alt, type, base64(bytes));
}

}  // namespace cdsr::report
