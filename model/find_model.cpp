#include "model/find_model.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <system_error>

#include "model/error.h"

namespace cdsr {

namespace fs = std::filesystem;

namespace {

/// The models in `folders` as a sentence goes on: "cdsr-rt (x2, x3, x4), cdsr-rt-noise (x2)"; "none".
std::string models_in(const std::vector<fs::path>& folders) {
  std::map<std::string, std::string> scales;  // of each name
  for (const int scale : {2, 3, 4}) {
    const std::string ending = fmt::format("-x{}.safetensors", scale);
    std::set<std::string> names;
    for (const fs::path& folder : folders) {
      std::error_code error;
      for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string file = at->path().filename().string();
        if (file.ends_with(ending)) names.insert(file.substr(0, file.size() - ending.size()));
      }
    }
    for (const std::string& name : names)
      scales[name] += fmt::format("{}x{}", scales[name].empty() ? "" : ", ", scale);
  }
  std::string text;
  for (const auto& [name, list] : scales)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", name, list);
  return text.empty() ? "none" : text;
}

}  // namespace

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
  const std::vector<fs::path> folders = model_folders();
  std::string looked;
  for (const fs::path& folder : folders) {
    std::error_code ignored;
    if (fs::is_regular_file(folder / file, ignored)) return folder / file;
    looked += "\n  " + folder.string();
  }
  fail(Errc::InvalidArgument,
       "no model named '{}' for scale {}, there are: {}. No {} in (set CDSR_MODEL_PATH to add folders, or "
       "give a path):{}",
       name, scale, models_in(folders), file, looked);
}

}  // namespace cdsr
