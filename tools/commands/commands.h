// The commands of the program `cdsr`. Each adds itself to the parser and runs from its callback; errors are
// thrown as cdsr::Error and printed once, in main.
#pragma once

namespace CLI {
class App;
}

namespace cdsr::tools {

void add_analyze(CLI::App& app);
void add_bench(CLI::App& app);
void add_calibrate(CLI::App& app);
void add_check(CLI::App& app);
void add_degrade(CLI::App& app);
void add_eval(CLI::App& app);
void add_export(CLI::App& app);
void add_film(CLI::App& app);
void add_import(CLI::App& app);
void add_info(CLI::App& app);
void add_lab(CLI::App& app);
void add_ladder(CLI::App& app);
void add_piece(CLI::App& app);
void add_reader(CLI::App& app);
void add_report(CLI::App& app);
void add_shots(CLI::App& app);
void add_train(CLI::App& app);
void add_upscale(CLI::App& app);

}  // namespace cdsr::tools
