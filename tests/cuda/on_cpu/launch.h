// Kernel launches of the stand-in: their limits, and what a kernel must have been given before.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace cuda_on_cpu {

/// What stands between <<< and >>>.
struct Configuration {
  dim3 grid, block;
  size_t shared = 0;
  cudaStream_t stream = nullptr;

  template <typename Grid, typename Block, typename Bytes = int>
  Configuration(Grid grid, Block block, Bytes shared = 0, cudaStream_t stream = nullptr)
      : grid(grid), block(block), shared(static_cast<size_t>(shared)), stream(stream) {}
};

/// Queues a kernel whose arguments have `argument_bytes`; errors are the runtime's last error.
void queue_kernel(const void* kernel, const char* name, const Configuration& configuration,
                  size_t argument_bytes, std::function<void()> thread);

/// kernel<<<configuration>>>, to be called with the arguments.
template <typename... Parameters>
auto launch(void (*kernel)(Parameters...), const char* name, const Configuration& configuration) {
  return [=](std::type_identity_t<Parameters>... arguments) {
    std::tuple<std::decay_t<Parameters>...> kept(std::move(arguments)...);
    queue_kernel(reinterpret_cast<const void*>(kernel), name, configuration, (sizeof(Parameters) + ... + 0),
                 [kernel, kept] { std::apply(kernel, kept); });
  };
}

}  // namespace cuda_on_cpu
