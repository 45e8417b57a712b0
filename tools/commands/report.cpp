// The command `cdsr report`: the curves of training runs as one HTML page.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "model/atomic_file.h"
#include "tools/commands/commands.h"
#include "tools/report/page.h"

namespace cdsr::tools {

void add_report(CLI::App& app) {
  struct Arguments {
    std::vector<std::filesystem::path> logs;
    std::filesystem::path out = "report.html";
  };
  auto a = std::make_shared<Arguments>();
  CLI::App* c =
      app.add_subcommand("report", "Draw training runs into one HTML page that needs nothing beside it");
  c->add_option("LOG", a->logs, "log.jsonl of each run; runs are drawn over each other")->required();
  c->add_option("-o,--out", a->out, "the page to write")->capture_default_str();
  c->callback([a] {
    const std::string html = report::page(a->logs);
    AtomicFile file(a->out);
    file.write(html.data(), html.size());
    file.commit();
    fmt::print("{}: {} runs, {} bytes\n", a->out.string(), a->logs.size(), html.size());
  });
}

}  // namespace cdsr::tools
