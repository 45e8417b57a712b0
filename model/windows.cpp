#include "model/windows.h"

namespace cdsr {

WindowBackend* window_backend(Engine& engine) {
  auto* const backend = dynamic_cast<WindowBackend*>(&engine.backend());
  return backend != nullptr && backend->has_windows() ? backend : nullptr;
}

}  // namespace cdsr
