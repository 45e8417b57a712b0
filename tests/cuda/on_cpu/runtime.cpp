// The CUDA runtime's functions that this project calls, on the stand-in. What is not here does not link.
#include <cuda_runtime_api.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <set>

#include "tests/cuda/on_cpu/block.h"
#include "tests/cuda/on_cpu/launch.h"
#include "tests/cuda/on_cpu/memory.h"
#include "tests/cuda/on_cpu/report.h"
#include "tests/cuda/on_cpu/stream.h"

namespace cuda_on_cpu {
namespace {

constexpr int kThreadsMost = 1024, kGridMost = 65535;
constexpr size_t kArgumentsMost = 32764;

thread_local cudaError_t last_error = cudaSuccess;

/// Driver and runtime number their errors alike.
cudaError_t result(CUresult error) {
  if (error != CUDA_SUCCESS) last_error = static_cast<cudaError_t>(error);
  return static_cast<cudaError_t>(error);
}

/// A kernel in a context: what it was allowed; loading it is not for a capture.
std::map<std::pair<const void*, const Context*>, size_t> kernels;
void load(const void* kernel, const char* name) {
  const Context* const context = needed("a kernel");
  if (!kernels.contains({kernel, context}) && capturing())
    fault(std::string("a kernel is loaded during a capture: ") + name);
  kernels.try_emplace({kernel, context}, kSharedWithoutAsking);
}

bool launchable(const Configuration& c, size_t shared_limit, size_t argument_bytes) {
  const uint64_t threads = uint64_t{c.block.x} * c.block.y * c.block.z;
  return threads >= 1 && threads <= kThreadsMost && c.block.z <= 64 && c.grid.x >= 1 && c.grid.y >= 1 &&
         c.grid.z >= 1 && c.grid.x <= 0x7FFFFFFFU && c.grid.y <= kGridMost && c.grid.z <= kGridMost &&
         c.shared <= shared_limit && argument_bytes <= kArgumentsMost;
}

std::string size_text(const dim3& d) {
  return std::to_string(d.x) + "x" + std::to_string(d.y) + "x" + std::to_string(d.z);
}

std::map<const void*, Event> events;
Event* event_of(cudaEvent_t handle, const char* what) {
  needed(what);
  const auto found = events.find(handle);
  if (found != events.end()) return &found->second;
  fault(std::string(what) + " with an event that is none");
  return nullptr;
}

// Graphs are held by what was made of them: a captured graph, an instance, a conditional node.
std::map<const void*, std::shared_ptr<Graph>> graphs;
template <typename Handle>
Handle keep(std::shared_ptr<Graph> graph) {
  auto* const key = new char;  // a graph and its instance are two handles
  graphs[key] = std::move(graph);
  return reinterpret_cast<Handle>(key);
}
template <typename Handle>
std::shared_ptr<Graph> graph_of(Handle handle, const char* what) {
  const auto found = graphs.find(handle);
  if (found != graphs.end()) return found->second;
  fault(std::string(what) + " with a graph that is none");
  return std::make_shared<Graph>();
}
template <typename Handle>
cudaError_t drop(Handle handle, const char* what) {
  if (graphs.erase(handle) == 0) {
    fault(std::string(what) + " of a graph that is none");
    return result(CUDA_ERROR_INVALID_VALUE);
  }
  delete reinterpret_cast<char*>(handle);
  return cudaSuccess;
}
/// A stream's graph under capture, by the stream: one handle for it as long as the capture lasts.
std::map<const Stream*, cudaGraph_t> captures;

cudaError_t copy_to(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                    size_t height, cudaMemcpyKind kind, cudaStream_t handle, bool async) {
  const auto stream = stream_of(handle, "a copy");
  if (stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (!to_device && !from_device) return result(CUDA_ERROR_INVALID_VALUE);
  return result(
      copy({to, from, to_pitch, from_pitch, width, height, to_device, from_device, 0}, stream, async));
}
cudaError_t fill(void* to, size_t pitch, int value, size_t width, size_t height, cudaStream_t handle,
                 bool async) {
  const auto stream = stream_of(handle, "filling memory");
  if (stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  return result(copy({to, nullptr, pitch, 0, width, height, true, false, value}, stream, async));
}

}  // namespace

void queue_kernel(const void* kernel, const char* name, const Configuration& c, size_t argument_bytes,
                  std::function<void()> thread) {
  const auto guard = lock();
  load(kernel, name);
  const auto stream = stream_of(c.stream, name);
  if (stream == nullptr) return void(result(CUDA_ERROR_INVALID_HANDLE));
  const size_t limit = kernels.at({kernel, stream->context});
  if (!launchable(c, limit, argument_bytes)) {
    fault("a launch of " + std::string(name) + " that no GPU takes: grid " + size_text(c.grid) + ", block " +
          size_text(c.block) + ", " + std::to_string(c.shared) + " bytes of shared memory, " +
          std::to_string(limit) + " allowed");
    return void(result(CUDA_ERROR_INVALID_VALUE));
  }
  enqueue(stream, [shape = Shape{name, c.grid, c.block, c.shared, limit}, thread = std::move(thread)] {
    static const long delay = setting("CUDA_ON_CPU_DELAY_US", 0);
    if (delay > 0) usleep(static_cast<useconds_t>(delay));
    count(Counter::Launches);
    run_grid(shape, thread);
  });
}

}  // namespace cuda_on_cpu

// NOLINTBEGIN(readability-identifier-naming): CUDA's
using namespace cuda_on_cpu;

extern "C" {

cudaError_t CUDARTAPI cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
const char* CUDARTAPI cudaGetErrorName(cudaError_t error) {
  return error == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation" : "error of the stand-in";
}
const char* CUDARTAPI cudaGetErrorString(cudaError_t error) {
  thread_local char text[64];
  std::snprintf(text, sizeof text, "error %d of the stand-in for a GPU", static_cast<int>(error));
  return text;
}
cudaError_t CUDARTAPI cudaDriverGetVersion(int* version) { return result(cuDriverGetVersion(version)); }

// Memory

cudaError_t CUDARTAPI cudaMemGetInfo(size_t* available, size_t* all) {
  const auto guard = lock();
  needed("cudaMemGetInfo");
  *available = memory_free();
  *all = memory_size();
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaMalloc(void** p, size_t bytes) {
  const auto guard = lock();
  return result(take(p, bytes, Kind::Device, "cudaMalloc"));
}
cudaError_t CUDARTAPI cudaHostAlloc(void** p, size_t bytes, unsigned) {
  const auto guard = lock();
  return result(take(p, bytes, Kind::PageLocked, "cudaHostAlloc"));
}
/// cudaFree(nullptr) is the way to make the primary context and have it current.
cudaError_t CUDARTAPI cudaFree(void* p) {
  const auto guard = lock();
  if (p == nullptr && current() == nullptr) return result(push_context(primary_context()));
  return result(give(p, "cudaFree"));
}
cudaError_t CUDARTAPI cudaFreeHost(void* p) {
  const auto guard = lock();
  return result(give(p, "cudaFreeHost"));
}
cudaError_t CUDARTAPI cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const auto guard = lock();
  return copy_to(to, bytes, from, bytes, bytes, 1, kind, nullptr, false);
}
cudaError_t CUDARTAPI cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                                      cudaStream_t stream) {
  const auto guard = lock();
  return copy_to(to, bytes, from, bytes, bytes, 1, kind, stream, true);
}
cudaError_t CUDARTAPI cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                                        size_t width, size_t height, cudaMemcpyKind kind,
                                        cudaStream_t stream) {
  const auto guard = lock();
  return copy_to(to, to_pitch, from, from_pitch, width, height, kind, stream, true);
}
cudaError_t CUDARTAPI cudaMemset2DAsync(void* to, size_t pitch, int value, size_t width, size_t height,
                                        cudaStream_t stream) {
  const auto guard = lock();
  return fill(to, pitch, value, width, height, stream, true);
}
cudaError_t CUDARTAPI cudaMemset(void* to, int value, size_t bytes) {
  const auto guard = lock();
  return fill(to, bytes, value, bytes, 1, nullptr, false);
}
cudaError_t CUDARTAPI cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
  const auto guard = lock();
  return fill(to, bytes, value, bytes, 1, stream, true);
}

// Streams and events

cudaError_t CUDARTAPI cudaDeviceGetStreamPriorityRange(int* lowest, int* highest) {
  *lowest = 0;
  *highest = -5;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int) {
  const auto guard = lock();
  *stream = static_cast<cudaStream_t>(create_stream(needed("a stream"), flags != cudaStreamNonBlocking));
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}
cudaError_t CUDARTAPI cudaStreamDestroy(cudaStream_t stream) {
  const auto guard = lock();
  return result(destroy_stream(stream));
}
cudaError_t CUDARTAPI cudaStreamSynchronize(cudaStream_t handle) {
  const auto guard = lock();
  const auto stream = stream_of(handle, "cudaStreamSynchronize");
  if (stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  if (stream->capture != nullptr && !allowed_now("cudaStreamSynchronize"))
    return result(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  finish(stream);
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaDeviceSynchronize() {
  const auto guard = lock();
  Context* const context = needed("cudaDeviceSynchronize");
  if (!allowed_now("cudaDeviceSynchronize")) return result(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  finish_all(context);
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  const auto guard = lock();
  needed("an event");
  auto* const key = new char;
  events[key] = {};
  *event = reinterpret_cast<cudaEvent_t>(key);
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }
cudaError_t CUDARTAPI cudaEventDestroy(cudaEvent_t event) {
  const auto guard = lock();
  needed("destroying an event");
  if (events.erase(event) == 0) {
    fault("an event is destroyed that is none");
    return result(CUDA_ERROR_INVALID_HANDLE);
  }
  delete reinterpret_cast<char*>(event);
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaEventRecord(cudaEvent_t handle, cudaStream_t stream_handle) {
  const auto guard = lock();
  Event* const event = event_of(handle, "cudaEventRecord");
  const auto stream = stream_of(stream_handle, "cudaEventRecord");
  if (event == nullptr || stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  return result(record_event(*event, stream));
}
cudaError_t CUDARTAPI cudaStreamWaitEvent(cudaStream_t stream_handle, cudaEvent_t handle, unsigned) {
  const auto guard = lock();
  const Event* const event = event_of(handle, "cudaStreamWaitEvent");
  const auto stream = stream_of(stream_handle, "cudaStreamWaitEvent");
  if (event == nullptr || stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  return result(wait_event(stream, *event));
}
cudaError_t CUDARTAPI cudaEventSynchronize(cudaEvent_t handle) {
  const auto guard = lock();
  const Event* const event = event_of(handle, "cudaEventSynchronize");
  if (event == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  finish_event(*event);
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  const auto guard = lock();
  const Event *const a = event_of(from, "cudaEventElapsedTime"), *const b =
                                                                     event_of(to, "cudaEventElapsedTime");
  if (a == nullptr || b == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  if (!reached(*a) || !reached(*b) || a->time == nullptr || b->time == nullptr)
    return result(CUDA_ERROR_NOT_READY);
  *milliseconds = std::chrono::duration<float, std::milli>(*b->time - *a->time).count();
  return cudaSuccess;
}

// Kernels

cudaError_t CUDARTAPI cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* kernel) {
  const auto guard = lock();
  *attributes = {};
  load(kernel, "by cudaFuncGetAttributes");
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaFuncSetAttribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const auto guard = lock();
  load(kernel, "by cudaFuncSetAttribute");
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
      static_cast<size_t>(value) > kSharedMost)
    return result(CUDA_ERROR_INVALID_VALUE);
  kernels[{kernel, current()}] = static_cast<size_t>(value);
  return cudaSuccess;
}

// Graphs

cudaError_t CUDARTAPI cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  const auto guard = lock();
  const auto stream = stream_of(handle, "cudaStreamBeginCapture");
  if (stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  const auto graph = std::make_shared<Graph>();
  const CUresult error = begin_capture(stream, graph, mode == cudaStreamCaptureModeThreadLocal);
  if (error == CUDA_SUCCESS) captures[stream.get()] = keep<cudaGraph_t>(graph);
  return result(error);
}
cudaError_t CUDARTAPI cudaStreamBeginCaptureToGraph(cudaStream_t handle, cudaGraph_t graph,
                                                    const cudaGraphNode_t*, const cudaGraphEdgeData*, size_t,
                                                    cudaStreamCaptureMode mode) {
  const auto guard = lock();
  const auto stream = stream_of(handle, "cudaStreamBeginCaptureToGraph");
  if (stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  const CUresult error = begin_capture(stream, graph_of(graph, "cudaStreamBeginCaptureToGraph"),
                                       mode == cudaStreamCaptureModeThreadLocal);
  if (error == CUDA_SUCCESS) captures[stream.get()] = graph;
  return result(error);
}
cudaError_t CUDARTAPI cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* out) {
  const auto guard = lock();
  const auto stream = stream_of(handle, "cudaStreamEndCapture");
  if (stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  std::shared_ptr<Graph> graph;
  const CUresult error = end_capture(stream, graph);
  *out = nullptr;
  if (graph == nullptr) return result(error);
  const cudaGraph_t captured = captures[stream.get()];
  captures.erase(stream.get());
  if (error == CUDA_SUCCESS) *out = captured;
  return result(error);
}
/// Of the dependencies a stream has none here: it is one line of work.
cudaError_t CUDARTAPI cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus* status,
                                               unsigned long long* id, cudaGraph_t* graph,
                                               const cudaGraphNode_t** nodes, const cudaGraphEdgeData** edges,
                                               size_t* count) {
  const auto guard = lock();
  const auto stream = stream_of(handle, "cudaStreamGetCaptureInfo");
  if (stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  const bool active = stream->capture != nullptr;
  *status = active ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  if (id != nullptr) *id = 1;
  if (graph != nullptr) *graph = active ? captures[stream.get()] : nullptr;
  if (nodes != nullptr) *nodes = nullptr;
  if (edges != nullptr) *edges = nullptr;
  if (count != nullptr) *count = 0;
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaStreamUpdateCaptureDependencies(cudaStream_t handle, cudaGraphNode_t*,
                                                          const cudaGraphEdgeData*, size_t, unsigned) {
  const auto guard = lock();
  const auto stream = stream_of(handle, "cudaStreamUpdateCaptureDependencies");
  return result(stream != nullptr && stream->capture != nullptr ? CUDA_SUCCESS : CUDA_ERROR_ILLEGAL_STATE);
}
cudaError_t CUDARTAPI cudaGraphConditionalHandleCreate(cudaGraphConditionalHandle* handle, cudaGraph_t graph,
                                                       unsigned initial, unsigned flags) {
  const auto guard = lock();
  if (flags != cudaGraphCondAssignDefault)
    fault("a condition that keeps its value from one launch to the next");
  const auto condition = std::make_shared<Condition>(Condition{initial, initial});
  graph_of(graph, "cudaGraphConditionalHandleCreate")->conditions.push_back(condition);
  *handle = reinterpret_cast<uintptr_t>(condition.get());
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaGraphAddNode(cudaGraphNode_t* node, cudaGraph_t graph_handle,
                                       const cudaGraphNode_t*, const cudaGraphEdgeData*, size_t,
                                       cudaGraphNodeParams* params) {
  const auto guard = lock();
  const auto graph = graph_of(graph_handle, "cudaGraphAddNode");
  if (params->type != cudaGraphNodeTypeConditional || params->conditional.type != cudaGraphCondTypeIf ||
      params->conditional.size != 1) {
    fault("a graph's node that the stand-in does not know");
    return result(CUDA_ERROR_NOT_SUPPORTED);
  }
  std::shared_ptr<Condition> condition;
  for (const auto& c : graph->conditions)
    if (reinterpret_cast<uintptr_t>(c.get()) == params->conditional.handle) condition = c;
  if (condition == nullptr) {
    fault("a conditional node with a condition of another graph");
    return result(CUDA_ERROR_INVALID_VALUE);
  }
  const auto body = std::make_shared<Graph>();
  graph->nodes.push_back([condition, body] {
    if (condition->value == 0) return;
    count(Counter::Conditionals);
    run_nodes(*body);
  });
  // The graph that was made owns the body's handle: both live as long as the program.
  params->conditional.phGraph_out = new cudaGraph_t[1]{keep<cudaGraph_t>(body)};
  *node = reinterpret_cast<cudaGraphNode_t>(body.get());
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaGraphInstantiate(cudaGraphExec_t* instance, cudaGraph_t graph, unsigned long long) {
  const auto guard = lock();
  count(Counter::GraphInstances);
  *instance = keep<cudaGraphExec_t>(std::make_shared<Graph>(*graph_of(graph, "cudaGraphInstantiate")));
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaGraphLaunch(cudaGraphExec_t instance, cudaStream_t handle) {
  const auto guard = lock();
  const auto stream = stream_of(handle, "cudaGraphLaunch");
  if (stream == nullptr) return result(CUDA_ERROR_INVALID_HANDLE);
  launch_graph(graph_of(instance, "cudaGraphLaunch"), stream);
  return cudaSuccess;
}
cudaError_t CUDARTAPI cudaGraphExecDestroy(cudaGraphExec_t instance) {
  const auto guard = lock();
  return drop(instance, "cudaGraphExecDestroy");
}
cudaError_t CUDARTAPI cudaGraphDestroy(cudaGraph_t graph) {
  const auto guard = lock();
  return drop(graph, "cudaGraphDestroy");
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming)
