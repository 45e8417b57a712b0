#include "tools/commands/library_option.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "cdsr/cdsr.h"
#include "model/error.h"

namespace cdsr::tools {
namespace {

const cdsr_option& find(const std::string& name) {
  for (const cdsr_option* const* option = cdsr_option_list(); *option != nullptr; ++option)
    if (name == (*option)->name) return **option;
  fail(Errc::Internal, "libcdsr has no option {}", name);
}

}  // namespace

void add_library_option(CLI::App& command, const std::string& name, int& value) {
  const cdsr_option& option = find(name);
  command.add_option("--" + name, value, option.help)
      ->check(CLI::Range(static_cast<int>(option.lowest), static_cast<int>(option.highest)))
      ->capture_default_str();
}

void add_library_option(CLI::App& command, const std::string& name, double& value) {
  const cdsr_option& option = find(name);
  command.add_option("--" + name, value, option.help)
      ->check(CLI::Range(option.lowest, option.highest))
      ->capture_default_str();
}

void add_library_option(CLI::App& command, const std::string& name, std::string& value) {
  const cdsr_option& option = find(name);
  CLI::Option* added = command.add_option("--" + name, value, option.help)->capture_default_str();
  if (option.words == nullptr) return;
  std::vector<std::string> words;
  for (const cdsr_word* word = option.words; word->word != nullptr; ++word) words.emplace_back(word->word);
  added->check(CLI::IsMember(words));
}

}  // namespace cdsr::tools
