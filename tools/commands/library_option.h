// Options of commands that are options of libcdsr too.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace cdsr::tools {

/// Adds --NAME as cdsr_option_list() has it: its text, and its range or words as a check. The default is what
/// `value` has: a command may have another. Throws Internal when libcdsr has no option of that name.
void add_library_option(CLI::App& command, const std::string& name, int& value);
void add_library_option(CLI::App& command, const std::string& name, double& value);
void add_library_option(CLI::App& command, const std::string& name, std::string& value);

}  // namespace cdsr::tools
