#include "tools/media/npy.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include "model/error.h"

namespace cdsr::tools {

void write_npy(const std::filesystem::path& path, const std::vector<int64_t>& shape,
               std::span<const float> values) {
  uint64_t count = 1;
  for (int64_t s : shape) count *= static_cast<uint64_t>(s);
  if (count != values.size())
    fail(Errc::Internal, "npy: shape [{}] for {} values", fmt::join(shape, ", "), values.size());

  // A one-element tuple is "(3,)".
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{}), }}",
                                   fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  constexpr size_t kPreamble = 10, kAlign = 64;
  header.append(kAlign - 1 - (kPreamble + header.size()) % kAlign, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  const char preamble[kPreamble] = {'\x93',
                                    'N',
                                    'U',
                                    'M',
                                    'P',
                                    'Y',
                                    1,
                                    0,
                                    static_cast<char>(length & 0xFF),
                                    static_cast<char>(length >> 8)};

  std::ofstream out(path, std::ios::binary);
  out.write(preamble, kPreamble);
  out.write(header.data(), static_cast<std::streamsize>(header.size()));
  out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  out.close();
  if (!out) fail(Errc::Io, "{}: cannot write: {}", path.string(), std::strerror(errno));
}

}  // namespace cdsr::tools
