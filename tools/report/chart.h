// Parts of pages: line charts as SVG, pictures, text.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cdsr::report {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< x ascending; values that are not finite are left out
};

struct Chart {
  std::string title, unit;  ///< unit of the values; "": none
  std::vector<Series> series;
  std::string across = {};  ///< what lies along the other axis; drawn by svg_file() alone
  bool scatter = false;     ///< points alone, and axes that have no unit
};

/// For a page: a figure of 720 x 260 units with axes, at most seven ticks each, and a legend when there are
/// several series. Long series are drawn by the mean of each of at most 600 stretches. Colours come from the
/// page's style: the classes s0 to s5 in turn. "Nothing to show" when no series has a point.
std::string svg(const Chart& chart);

/// The same as a file of its own, with its title, a legend at the right and a colour for each series.
std::string svg_file(const Chart& chart);

/// Text with &, <, > and quotes as HTML entities.
std::string escape(const std::string& text);

/// A picture's file, of type png or jpeg, as an element of a page that needs nothing beside it. alt: HTML.
std::string image(const std::string& alt, const std::string& type, std::string_view bytes);

}  // namespace cdsr::report
