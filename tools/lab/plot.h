// Small plots as SVG text: no dependency, looks the same in every browser.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tools/lab/project.h"

namespace cdsr::analyze {

struct Series {
  std::string label;
  std::vector<Point> points;
};

/// One colour a series, with a legend. The two axes have no unit.
std::string scatter_svg(const std::string& title, const std::vector<Series>& series);

/// Lines through the points of each series, with axes and a legend.
std::string curves_svg(const std::string& title, const std::string& x_label, const std::string& y_label,
                       const std::vector<Series>& series);

/// Throws Io.
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace cdsr::analyze
