// Lists of numbers in a weights file's metadata, read as from a stranger.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "model/error.h"

namespace cdsr {

/// object[name] as `count` finite floats. Throws BadWeights; `place` begins the message.
inline std::vector<float> json_numbers(const nlohmann::json& object, const char* name, size_t count,
                                       const std::string& place) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array() || found->size() != count)
    fail(Errc::BadWeights, "{}: {} must be a list of {} numbers", place, name, count);
  std::vector<float> list;
  list.reserve(count);
  for (const auto& value : *found) {
    const float number = value.is_number() ? static_cast<float>(value.template get<double>()) : NAN;
    if (!std::isfinite(number))
      fail(Errc::BadWeights, "{}: {}: value {} must be a finite number", place, name, list.size());
    list.push_back(number);
  }
  return list;
}

}  // namespace cdsr
