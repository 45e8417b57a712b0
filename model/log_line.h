// Where a part that knows no host's log says what it does.
#pragma once

#include <functional>
#include <string>

namespace cdsr {

/// Is given one line without its end.
using LogLine = std::function<void(const std::string&)>;

}  // namespace cdsr
