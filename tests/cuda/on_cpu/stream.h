// Contexts, streams, events and graphs of the stand-in.
//
// Work is kept in its stream and runs when something waits for it (or at once, CUDA_ON_CPU_EAGER): a
// processor that reads a result it has not waited for, and a stream that does not wait for another, find the
// memory as it was. All functions are called under lock().
#pragma once

#include <cuda.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tests/cuda/on_cpu/memory.h"
#include "tests/cuda/on_cpu/report.h"

namespace cuda_on_cpu {

std::unique_lock<std::recursive_mutex> lock();

using Work = std::function<void()>;

// Contexts
// ---------------------------------------------------------------------------------------------------

struct Context {
  bool primary = false;
  int retained = 0;  ///< of the primary one
  bool destroyed = false;
};

/// The context current to this thread, or null.
Context* current();
/// The same for a call that needs one: `what` without one, or in one that is gone, is a fault.
Context* needed(const char* what);
Context* primary_context();
Context* create_context();
CUresult destroy_context(Context* context);
/// Those that live, without the primary one.
size_t live_contexts();
CUresult push_context(Context* context);
CUresult pop_context(Context** popped);
CUresult set_context(Context* context);

// Streams
// ----------------------------------------------------------------------------------------------------

struct Condition {
  unsigned value = 0, initial = 0;
};
struct Graph {
  std::vector<Work> nodes;
  std::vector<std::shared_ptr<Condition>> conditions;
};
struct Stream {
  Context* context = nullptr;
  bool blocking = true;  ///< waits for the null stream, and it for this one
  std::deque<Work> queue;
  uint64_t queued = 0, done = 0;
  std::shared_ptr<Graph> capture;
  bool broken = false;  ///< the capture, by a call that it does not allow
};

/// `handle` null is the current context's null stream. A handle that is none, or of another context: a fault,
/// and null.
std::shared_ptr<Stream> stream_of(const void* handle, const char* what);
void* create_stream(Context* context, bool blocking);
CUresult destroy_stream(void* handle);
/// Queues work, or captures it.
void enqueue(const std::shared_ptr<Stream>& stream, Work work);
/// Of all streams.
size_t queued_work();
/// Runs what is queued.
void finish(const std::shared_ptr<Stream>& stream);
/// All streams of a context.
void finish_all(const Context* context);
/// A call that a capture under way in this thread forbids: a fault, and false.
bool allowed_now(const char* what);

// Events
// -----------------------------------------------------------------------------------------------------

struct Event {
  std::shared_ptr<Stream> stream;  ///< null: not recorded
  uint64_t position = 0;
  std::shared_ptr<std::chrono::steady_clock::time_point> time;  ///< when it was reached
};
CUresult record_event(Event& event, const std::shared_ptr<Stream>& stream);
CUresult wait_event(const std::shared_ptr<Stream>& stream, const Event& event);
void finish_event(const Event& event);
bool reached(const Event& event);

// Graphs
// -----------------------------------------------------------------------------------------------------

CUresult begin_capture(const std::shared_ptr<Stream>& stream, std::shared_ptr<Graph> into,
                       bool thread_local_mode);
CUresult end_capture(const std::shared_ptr<Stream>& stream, std::shared_ptr<Graph>& graph);
bool capturing();
/// Runs a graph's nodes; the body of a conditional node runs them too.
void run_nodes(const Graph& graph);
void launch_graph(const std::shared_ptr<const Graph>& graph, const std::shared_ptr<Stream>& stream);
/// cudaGraphSetConditional, in a kernel.
void set_condition(uint64_t handle, unsigned value);

// Memory, by calls that need a context and that a capture forbids
// -----------------------------------------------------------------------------------------------------

CUresult take(void** p, size_t bytes, Kind kind, const char* what);
/// Waits for the context's work. Null is nothing.
CUresult give(void* p, const char* what);

// Copies
// -----------------------------------------------------------------------------------------------------

/// A rectangle; `from` null: filled with `value` instead.
struct Copy2d {
  void* to = nullptr;
  const void* from = nullptr;
  size_t to_pitch = 0, from_pitch = 0, width = 0, height = 1;
  bool to_device = false, from_device = false;
  int value = 0;
  Caller caller = Caller::Module;
};
CUresult copy(const Copy2d& copy, const std::shared_ptr<Stream>& stream, bool async);

}  // namespace cuda_on_cpu
