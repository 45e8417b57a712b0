#include "model/find_model.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <system_error>

#include "model/error.h"

namespace cdsr {

namespace fs = std::filesystem;

std::vector<fs::path> model_folders() {
  std::vector<fs::path> folders;
  const auto add = [&](const fs::path& folder) {
    const fs::path clean = folder.lexically_normal();
    if (!folder.empty() && std::find(folders.begin(), folders.end(), clean) == folders.end())
      folders.push_back(clean);
  };
  if (const char* list = std::getenv("CDSR_MODEL_PATH")) {
    std::string_view rest = list;
    while (!rest.empty()) {
      const size_t colon = std::min(rest.find(':'), rest.size());
      add(fs::path(rest.substr(0, colon)));
      rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
  }
  add(CDSR_INSTALL_MODELS);
  Dl_info info = {};
  if (dladdr(reinterpret_cast<const void*>(&model_folders), &info) != 0 && info.dli_fname != nullptr) {
    std::error_code ignored;
    // lib/libcdsr.so or bin/cdsr; Debian's lib/x86_64-linux-gnu is one deeper.
    const fs::path module = fs::weakly_canonical(info.dli_fname, ignored).parent_path();
    if (!module.empty()) {
      add(module / "../share/cdsr/models");
      if (module.parent_path().filename() == "lib") add(module / "../../share/cdsr/models");
    }
  }
  std::error_code ignored;
  if (fs::is_directory(CDSR_SOURCE_MODELS, ignored)) add(CDSR_SOURCE_MODELS);
  return folders;
}

fs::path find_model(std::string_view name, int scale) {
  if (name.empty()) fail(Errc::InvalidArgument, "the model's name is empty");
  if (name.find('/') != std::string_view::npos || name.ends_with(".safetensors")) return name;
  const std::string file = fmt::format("{}-x{}.safetensors", name, scale);
  std::string looked;
  for (const fs::path& folder : model_folders()) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / file, ignored)) return folder / file;
    looked += "\n  " + folder.string();
  }
  fail(Errc::InvalidArgument,
       "no model named '{}' for scale {}: no {} in (set CDSR_MODEL_PATH to add folders, or give a path):{}",
       name, scale, file, looked);
}

}  // namespace cdsr
