#include "model/cuda/graph.h"

#include "model/cuda/driver.h"

namespace cdsr::cuda {
namespace {

// FFmpeg's other threads allocate while we capture: only this thread's calls may invalidate the capture.
constexpr cudaStreamCaptureMode kMode = cudaStreamCaptureModeThreadLocal;

/// The graph under capture and its newest nodes.
struct Capture {
  cudaGraph_t graph = nullptr;
  const cudaGraphNode_t* nodes = nullptr;
  size_t count = 0;

  explicit Capture(cudaStream_t stream) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    const cudaGraphEdgeData* edges = nullptr;
    check(cudaStreamGetCaptureInfo(stream, &status, nullptr, &graph, &nodes, &edges, &count),
          "reading a capture");
  }
};

}  // namespace

void FrameGraph::add_redo(cudaStream_t stream, cudaStream_t side, const int* not_finite, const Queue& redo) {
  cudaGraphConditionalHandle handle{};
  check(cudaGraphConditionalHandleCreate(&handle, Capture(stream).graph, 0, cudaGraphCondAssignDefault),
        "a condition in a graph");
  launch_condition(handle, not_finite, stream);
  cudaGraphNodeParams params{};
  params.type = cudaGraphNodeTypeConditional;
  params.conditional.handle = handle;
  params.conditional.type = cudaGraphCondTypeIf;
  params.conditional.size = 1;
  const Capture before(stream);
  cudaGraphNode_t node = nullptr;
  check(cudaGraphAddNode(&node, before.graph, before.nodes, nullptr, before.count, &params),
        "a conditional node in a graph");
  check(cudaStreamUpdateCaptureDependencies(stream, &node, nullptr, 1, cudaStreamSetCaptureDependencies),
        "placing a conditional node");
  cudaGraph_t body = params.conditional.phGraph_out[0];
  check(cudaStreamBeginCaptureToGraph(side, body, nullptr, nullptr, 0, kMode), "capturing a redone frame");
  redo(side);
  check(cudaStreamEndCapture(side, &body), "capturing a redone frame");
}

FrameGraph::FrameGraph(cudaStream_t stream, cudaStream_t side, const int* not_finite, const Queue& network,
                       const Queue& redo, const Queue& output) {
  check(cudaStreamBeginCapture(stream, kMode), "capturing a frame");
  try {
    network(stream);
    if (redo) add_redo(stream, side, not_finite, redo);
    output(stream);
  } catch (...) {
    cudaGraph_t broken = nullptr;
    if (side != nullptr) cudaStreamEndCapture(side, &broken);
    broken = nullptr;
    cudaStreamEndCapture(stream, &broken);
    if (broken != nullptr) cudaGraphDestroy(broken);
    cudaGetLastError();
    throw;
  }
  check(cudaStreamEndCapture(stream, &graph_), "capturing a frame");
  const cudaError_t error = cudaGraphInstantiate(&exec_, graph_, 0);
  if (error != cudaSuccess) cudaGraphDestroy(graph_);
  check(error, "instantiating a frame's graph");
}

FrameGraph::FrameGraph(cudaStream_t stream, const Queue& queue)
    : FrameGraph(stream, nullptr, nullptr, queue, {}, [](cudaStream_t) {}) {}

FrameGraph::~FrameGraph() {
  cudaGraphExecDestroy(exec_);
  cudaGraphDestroy(graph_);
}

void FrameGraph::launch(cudaStream_t stream) const {
  check(cudaGraphLaunch(exec_, stream), "launching a frame's graph");
}

}  // namespace cdsr::cuda
