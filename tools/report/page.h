// The report of training runs: one HTML page that needs nothing beside it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cdsr::report {

/// The page of these logs (tools/train/run_log.h), with the crops that lie in `crops` beside each. Runs are
/// drawn over each other. Lines that are not complete JSON are passed over. Throws Io for a log that cannot
/// be read and InvalidArgument for one without a single entry.
std::string page(const std::vector<std::filesystem::path>& logs);

}  // namespace cdsr::report
