// One table as an HTML page that needs nothing beside it.
#pragma once

#include <string>
#include <vector>

namespace cdsr::report {

struct TablePage {
  struct Column {
    std::string head;     ///< HTML
    bool number = false;  ///< to the right, digits under digits
  };
  struct Row {
    std::string id;                  ///< of the row, to be linked to
    bool marked = false;             ///< with another ground
    std::vector<std::string> cells;  ///< HTML, one for each column
  };
  std::string title;                  ///< plain text
  std::vector<std::string> passages;  ///< HTML, above the table
  std::vector<Column> columns;
  std::vector<Row> rows;
};

std::string html(const TablePage& page);

/// 1:02:03.450.
std::string clock(double seconds);

}  // namespace cdsr::report
