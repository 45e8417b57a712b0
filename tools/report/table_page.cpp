#include "tools/report/table_page.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "tools/report/chart.h"

namespace cdsr::report {
namespace {

constexpr const char* kStyle = R"(<style>
:root { color-scheme: light dark; --faint: light-dark(#ddd, #444); }
body { font: 15px/1.5 system-ui, sans-serif; color: light-dark(#222, #ddd); background: light-dark(#fff, #181818);
  max-width: 1100px; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .2em .8em .2em 0; }
tbody tr { border-top: 1px solid var(--faint); } .n { text-align: right; font-variant-numeric: tabular-nums; }
.marked { background: light-dark(#fff6d8, #3a3318); } tr:target { outline: 2px solid #2a6fdb; } a { color: inherit; }
img { display: block; max-width: 160px; }
</style>
)";

std::string number_class(bool number) { return number ? " class=\"n\"" : ""; }

}  // namespace

std::string html(const TablePage& page) {
  std::string out = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{0}</title>\n{1}</head><body>\n<h1>{0}</h1>\n",
      escape(page.title), kStyle);
  for (const std::string& passage : page.passages) out += fmt::format("<p>{}</p>\n", passage);
  out += "<table><thead><tr>";
  for (const TablePage::Column& column : page.columns)
    out += fmt::format("<th{}>{}</th>", number_class(column.number), column.head);
  out += "</tr></thead>\n<tbody>\n";
  for (const TablePage::Row& row : page.rows) {
    out += fmt::format("<tr id=\"{}\"{}>", row.id, row.marked ? " class=\"marked\"" : "");
    for (size_t i = 0; i < row.cells.size(); ++i)
      out += fmt::format("<td{}>{}</td>", number_class(page.columns[i].number), row.cells[i]);
    out += "</tr>\n";
  }
  return out + "</tbody></table>\n</body></html>\n";
}

std::string clock(double seconds) {
  const auto ms = static_cast<int64_t>(std::llround(std::abs(seconds) * 1000));
  return fmt::format("{}{}:{:02}:{:02}.{:03}", seconds < 0 ? "-" : "", ms / 3600000, ms / 60000 % 60,
                     ms / 1000 % 60, ms % 1000);
}

}  // namespace cdsr::report
