// A build without libtiff.
#include "model/error.h"
#include "tools/media/tiff_file.h"

namespace cdsr::tools {

bool has_libtiff() { return false; }

AvPtr<AVFrame> read_tiff(const std::vector<uint8_t>&, const std::string& name) {
  fail(Errc::Internal, "{}: this build has no libtiff", name);
}

int tiff_pages(const std::vector<uint8_t>&, const std::string&) { return 0; }

}  // namespace cdsr::tools
