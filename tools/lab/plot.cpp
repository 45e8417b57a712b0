#include "tools/lab/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "model/error.h"

namespace cdsr::analyze {
namespace {

constexpr double kWidth = 640, kHeight = 480, kLeft = 60, kRight = 150, kTop = 40, kBottom = 50;

std::string escape(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += "&lt;";
    else if (c == '&')
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

/// Hues spread around the circle.
std::string color(size_t index, size_t count) {
  return fmt::format("hsl({:.0f},70%,42%)", 360.0 * static_cast<double>(index) / static_cast<double>(count));
}

struct Frame {
  double x0 = HUGE_VAL, x1 = -HUGE_VAL, y0 = HUGE_VAL, y1 = -HUGE_VAL;

  explicit Frame(const std::vector<Series>& series) {
    for (const Series& s : series)
      for (const Point& p : s.points) {
        x0 = std::min(x0, p.x);
        x1 = std::max(x1, p.x);
        y0 = std::min(y0, p.y);
        y1 = std::max(y1, p.y);
      }
    widen(x0, x1);
    widen(y0, y1);
  }
  double x(double v) const { return kLeft + (v - x0) / (x1 - x0) * (kWidth - kLeft - kRight); }
  double y(double v) const { return kHeight - kBottom - (v - y0) / (y1 - y0) * (kHeight - kTop - kBottom); }

 private:
  static void widen(double& low, double& high) {
    const double margin = std::max(0.04 * (high - low), 1e-9 * (1 + std::fabs(high)));
    low -= margin;
    high += margin;
  }
};

std::string text_at(double x, double y, const std::string& anchor, const std::string& text) {
  return fmt::format("<text x='{:.1f}' y='{:.1f}' text-anchor='{}'>{}</text>\n", x, y, anchor, escape(text));
}

std::string begin(const std::string& title) {
  return fmt::format(
             "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
             "font-family='sans-serif' font-size='12'>\n<rect width='{0}' height='{1}' fill='white'/>\n",
             kWidth, kHeight) +
         text_at((kLeft + kWidth - kRight) / 2, 24, "middle", title) +
         fmt::format("<rect x='{}' y='{}' width='{}' height='{}' fill='none' stroke='#888'/>\n", kLeft, kTop,
                     kWidth - kLeft - kRight, kHeight - kTop - kBottom);
}

std::string legend(const std::vector<Series>& series) {
  std::string out;
  for (size_t i = 0; i < series.size(); ++i) {
    const double y = kTop + 12 + 18 * static_cast<double>(i);
    out += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='4' fill='{}'/>\n", kWidth - kRight + 16, y - 4,
                       color(i, series.size()));
    out += text_at(kWidth - kRight + 26, y, "start", series[i].label);
  }
  return out;
}

}  // namespace

std::string scatter_svg(const std::string& title, const std::vector<Series>& series) {
  const Frame frame(series);
  std::string out = begin(title);
  for (size_t i = 0; i < series.size(); ++i)
    for (const Point& p : series[i].points)
      out += fmt::format("<circle cx='{:.1f}' cy='{:.1f}' r='3' fill='{}' fill-opacity='0.7'/>\n",
                         frame.x(p.x), frame.y(p.y), color(i, series.size()));
  return out + legend(series) + "</svg>\n";
}

std::string curves_svg(const std::string& title, const std::string& x_label, const std::string& y_label,
                       const std::vector<Series>& series) {
  const Frame frame(series);
  std::string out = begin(title);
  for (int i = 0; i <= 4; ++i) {
    const double x = frame.x0 + i * (frame.x1 - frame.x0) / 4, y = frame.y0 + i * (frame.y1 - frame.y0) / 4;
    out += text_at(frame.x(x), kHeight - kBottom + 18, "middle", fmt::format("{:.3g}", x));
    out += text_at(kLeft - 6, frame.y(y) + 4, "end", fmt::format("{:.4g}", y));
  }
  out += text_at((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", x_label);
  out += text_at(8, kTop - 10, "start", y_label);
  for (size_t i = 0; i < series.size(); ++i) {
    std::string points;
    for (const Point& p : series[i].points)
      points += fmt::format("{:.1f},{:.1f} ", frame.x(p.x), frame.y(p.y));
    out += fmt::format("<polyline points='{}' fill='none' stroke='{}' stroke-width='2'/>\n", points,
                       color(i, series.size()));
  }
  return out + legend(series) + "</svg>\n";
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) fail(Errc::Io, "{}: cannot write: {}", path.string(), std::strerror(errno));
}

}  // namespace cdsr::analyze
