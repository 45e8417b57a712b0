// What the tests of `cdsr train` train on, and how they look at what it wrote.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "model/error.h"
#include "tools/media/image_io.h"
#include "tools/media/rng.h"

namespace cdsr::train {

/// Three small pictures of waves, 0.png to 2.png, in a new folder.
inline void write_wave_photos(const std::filesystem::path& folder) {
  std::filesystem::create_directory(folder);
  for (uint64_t i = 0; i < 3; ++i) {
    Rng rng(5, i);
    tools::Picture p{80, 70, {}};
    const double fx = rng.uniform(0.1, 0.8), fy = rng.uniform(0.1, 0.8);
    for (int y = 0; y < p.height; ++y)
      for (int x = 0; x < p.width; ++x)
        for (int c = 0; c < 3; ++c)
          p.rgb.push_back(static_cast<uint8_t>(127.5 + 120 * std::sin(fx * x + c) * std::cos(fy * y)));
    tools::write_picture(folder / fmt::format("{}.png", i), p);
  }
}

/// All bytes of a file; none of one that is not there.
inline std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace cdsr::train
