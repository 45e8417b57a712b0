// A frame captured as one CUDA graph, with a part that the GPU itself runs only when half precision failed.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>

namespace cdsr::cuda {

class FrameGraph {
 public:
  using Queue = std::function<void(cudaStream_t)>;

  /// Captures `network`, then `redo` for frames that leave *not_finite != 0 (redo may be empty), then
  /// `output`. `stream` and `side` are streams that nothing else uses meanwhile; nothing is run.
  FrameGraph(cudaStream_t stream, cudaStream_t side, const int* not_finite, const Queue& network,
             const Queue& redo, const Queue& output);
  /// Captures `queue` alone.
  FrameGraph(cudaStream_t stream, const Queue& queue);
  ~FrameGraph();
  FrameGraph(const FrameGraph&) = delete;
  FrameGraph& operator=(const FrameGraph&) = delete;

  void launch(cudaStream_t stream) const;

 private:
  static void add_redo(cudaStream_t stream, cudaStream_t side, const int* not_finite, const Queue& redo);

  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t exec_ = nullptr;
};

/// Queues a kernel that switches `handle` on if *not_finite is not 0. In pixel.cu.
void launch_condition(cudaGraphConditionalHandle handle, const int* not_finite, cudaStream_t stream);

}  // namespace cdsr::cuda
