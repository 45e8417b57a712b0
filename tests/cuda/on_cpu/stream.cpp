#include "tests/cuda/on_cpu/stream.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "tests/cuda/on_cpu/memory.h"
#include "tests/cuda/on_cpu/report.h"

namespace cuda_on_cpu {
namespace {

std::set<Context*> contexts;
std::map<const void*, std::shared_ptr<Stream>> streams;
std::map<const Context*, std::shared_ptr<Stream>> null_streams;
std::map<uint64_t, std::weak_ptr<Condition>> conditions;
thread_local std::vector<Context*> stack;
thread_local std::vector<Stream*> captured;  ///< by this thread
int graphs_running = 0;

bool eager() {
  static const bool at_once = setting("CUDA_ON_CPU_EAGER", 0) != 0;
  return at_once;
}

void finish_until(Stream& stream, uint64_t position) {
  while (stream.done < position && !stream.queue.empty()) {
    const Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    {
      const Access access(stream.context);
      work();
    }
    ++stream.done;
  }
}

void append(const std::shared_ptr<Stream>& stream, Work work) {
  stream->queue.push_back(std::move(work));
  ++stream->queued;
}

/// The null stream and streams that are not "non-blocking" wait for each other.
void order_with_null_stream(const std::shared_ptr<Stream>& stream) {
  const std::shared_ptr<Stream>& null = null_streams[stream->context];
  const auto wait_for = [&](const std::shared_ptr<Stream>& other) {
    if (other != nullptr && other != stream && other->queued > other->done)
      append(stream, [other, position = other->queued] { finish_until(*other, position); });
  };
  if (stream == null)
    for (const auto& [handle, other] : streams) {
      if (other->blocking && other->context == stream->context) wait_for(other);
    }
  else if (stream->blocking)
    wait_for(null);
}

}  // namespace

std::unique_lock<std::recursive_mutex> lock() {
  static std::recursive_mutex mutex;
  return std::unique_lock(mutex);
}

Context* current() { return stack.empty() ? nullptr : stack.back(); }

Context* needed(const char* what) {
  Context* const context = current();
  if (context == nullptr)
    fault(std::string(what) + " without a current context");
  else if (context->destroyed)
    fault(std::string(what) + " in a context that was destroyed");
  return context != nullptr ? context : primary_context();
}

Context* primary_context() {
  static Context primary{true};
  contexts.insert(&primary);
  return &primary;
}

Context* create_context() {
  auto* const context = new Context;  // stays: a handle that was destroyed must still be known
  contexts.insert(context);
  stack.push_back(context);
  return context;
}

CUresult destroy_context(Context* context) {
  if (!contexts.contains(context) || context->destroyed) return CUDA_ERROR_INVALID_CONTEXT;
  finish_all(context);
  if (release_all(context)) fault("a context is destroyed with memory in it");
  if (std::any_of(streams.begin(), streams.end(),
                  [&](const auto& s) { return s.second->context == context; }))
    fault("a context is destroyed with streams in it");
  context->destroyed = true;
  if (current() == context) stack.pop_back();
  return CUDA_SUCCESS;
}

size_t live_contexts() {
  return static_cast<size_t>(std::count_if(contexts.begin(), contexts.end(),
                                           [](const Context* c) { return !c->primary && !c->destroyed; }));
}

CUresult push_context(Context* context) {
  if (context == nullptr || !contexts.contains(context)) return CUDA_ERROR_INVALID_CONTEXT;
  if (context->destroyed) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
  stack.push_back(context);
  return CUDA_SUCCESS;
}

CUresult pop_context(Context** popped) {
  if (stack.empty()) {
    fault("a context is popped that nobody pushed");
    return CUDA_ERROR_INVALID_CONTEXT;
  }
  *popped = stack.back();
  stack.pop_back();
  return CUDA_SUCCESS;
}

CUresult set_context(Context* context) {
  if (!stack.empty()) stack.pop_back();
  return context != nullptr ? push_context(context) : CUDA_SUCCESS;
}

std::shared_ptr<Stream> stream_of(const void* handle, const char* what) {
  Context* const context = needed(what);
  if (handle == nullptr || handle == CU_STREAM_LEGACY) {
    std::shared_ptr<Stream>& null = null_streams[context];
    if (null == nullptr) {
      null = std::make_shared<Stream>();
      null->context = context;
    }
    return null;
  }
  const auto found = streams.find(handle);
  if (found == streams.end()) {
    fault(std::string(what) + " with a stream that is none");
    return nullptr;
  }
  if (found->second->context != context) {
    fault(std::string(what) + " with a stream of another context");
    return nullptr;
  }
  return found->second;
}

void* create_stream(Context* context, bool blocking) {
  const auto stream = std::make_shared<Stream>();
  stream->context = context;
  stream->blocking = blocking;
  streams[stream.get()] = stream;
  return stream.get();
}

CUresult destroy_stream(void* handle) {
  needed("destroying a stream");
  const auto found = streams.find(handle);
  if (found == streams.end()) {
    fault("a stream is destroyed that is none");
    return CUDA_ERROR_INVALID_HANDLE;
  }
  finish(found->second);
  streams.erase(found);
  return CUDA_SUCCESS;
}

void enqueue(const std::shared_ptr<Stream>& stream, Work work) {
  if (stream->capture != nullptr) {
    stream->capture->nodes.push_back(std::move(work));
    return;
  }
  order_with_null_stream(stream);
  append(stream, std::move(work));
  if (eager()) finish(stream);
}

size_t queued_work() {
  size_t all = 0;
  for (const auto& [handle, stream] : streams) all += stream->queue.size();
  for (const auto& [of, stream] : null_streams) all += stream != nullptr ? stream->queue.size() : 0;
  return all;
}

void finish(const std::shared_ptr<Stream>& stream) { finish_until(*stream, stream->queued); }

void finish_all(const Context* context) {
  for (const auto& [of, null] : null_streams)
    if (of == context && null != nullptr) finish(null);
  for (const auto& [handle, stream] : streams)
    if (stream->context == context) finish(stream);
}

bool allowed_now(const char* what) {
  if (captured.empty()) return true;
  fault(std::string(what) + " during a capture");
  for (Stream* stream : captured) stream->broken = true;
  return false;
}

bool capturing() { return !captured.empty(); }

CUresult record_event(Event& event, const std::shared_ptr<Stream>& stream) {
  if (stream->capture != nullptr) {
    fault("an event is recorded in a capture");
    stream->broken = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  const auto time = std::make_shared<std::chrono::steady_clock::time_point>();
  enqueue(stream, [time] { *time = std::chrono::steady_clock::now(); });
  event = {stream, stream->queued, time};
  return CUDA_SUCCESS;
}

CUresult wait_event(const std::shared_ptr<Stream>& stream, const Event& event) {
  if (stream->capture != nullptr) {
    fault("a stream under capture waits for an event from outside");
    stream->broken = true;
    return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
  }
  if (event.stream != nullptr)
    enqueue(stream, [other = event.stream, position = event.position] { finish_until(*other, position); });
  return CUDA_SUCCESS;
}

void finish_event(const Event& event) {
  if (event.stream != nullptr) finish_until(*event.stream, event.position);
}

bool reached(const Event& event) { return event.stream == nullptr || event.stream->done >= event.position; }

CUresult begin_capture(const std::shared_ptr<Stream>& stream, std::shared_ptr<Graph> into,
                       bool thread_local_mode) {
  if (!thread_local_mode) fault("a capture that other threads' calls can break");
  if (stream->blocking && stream == null_streams[stream->context]) return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
  if (stream->capture != nullptr) return CUDA_ERROR_ILLEGAL_STATE;
  stream->capture = std::move(into);
  stream->broken = false;
  captured.push_back(stream.get());
  return CUDA_SUCCESS;
}

CUresult end_capture(const std::shared_ptr<Stream>& stream, std::shared_ptr<Graph>& graph) {
  if (stream->capture == nullptr) return CUDA_ERROR_ILLEGAL_STATE;
  graph = std::exchange(stream->capture, nullptr);
  std::erase(captured, stream.get());
  return stream->broken ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
}

void run_nodes(const Graph& graph) {
  for (const auto& condition : graph.conditions) {
    condition->value = condition->initial;
    conditions[reinterpret_cast<uintptr_t>(condition.get())] = condition;
  }
  for (const Work& node : graph.nodes) node();
}

void launch_graph(const std::shared_ptr<const Graph>& graph, const std::shared_ptr<Stream>& stream) {
  enqueue(stream, [graph] {
    ++graphs_running;
    count(Counter::GraphLaunches);
    run_nodes(*graph);
    --graphs_running;
  });
}

void set_condition(uint64_t handle, unsigned value) {
  const auto found = conditions.find(handle);
  const auto condition = found != conditions.end() ? found->second.lock() : nullptr;
  if (condition == nullptr || graphs_running == 0) return fault("a condition is set outside its graph");
  condition->value = value;
}

CUresult take(void** p, size_t bytes, Kind kind, const char* what) {
  Context* const context = needed(what);
  if (!allowed_now(what)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  return allocate(bytes, kind, context, p);
}

CUresult give(void* p, const char* what) {
  if (p == nullptr) return CUDA_SUCCESS;
  Context* const context = needed(what);
  if (!allowed_now(what)) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  finish_all(context);
  return release(p, context);
}

CUresult copy(const Copy2d& c, const std::shared_ptr<Stream>& stream, bool async) {
  if (c.width == 0 || c.height == 0) return CUDA_SUCCESS;
  if (c.height > 1 && (c.to_pitch < c.width || (c.from != nullptr && c.from_pitch < c.width)))
    return CUDA_ERROR_INVALID_VALUE;
  if (!async && !allowed_now("a copy that waits")) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  bool pageable = false;
  const auto check = [&](const void* p, size_t pitch, bool device, const char* what) {
    const size_t bytes = (c.height - 1) * pitch + c.width;
    const Allocation* const a = find_allocation(p);
    const bool on_device = a != nullptr && a->kind == Kind::Device;
    pageable = pageable || a == nullptr;
    if (device && !on_device)
      fault(std::string(what) + " is not in device memory");
    else if (!device && on_device)
      fault(std::string(what) + " is in device memory, not in the processor's");
    else if (a != nullptr && static_cast<const unsigned char*>(p) + bytes > a->data + a->bytes)
      fault(std::string(what) + " goes beyond its allocation");
    else if (device && a->context != stream->context)
      fault(std::string(what) + " is in another context");
    else
      return true;
    return false;
  };
  if (!check(c.to, c.to_pitch, c.to_device, "what a copy writes")) return CUDA_ERROR_INVALID_VALUE;
  if (c.from != nullptr && !check(c.from, c.from_pitch, c.from_device, "what a copy reads"))
    return CUDA_ERROR_INVALID_VALUE;
  if (c.from != nullptr && stream->capture == nullptr)
    count_copy(c.caller,
               c.to_device == c.from_device ? Direction::Within
               : c.to_device                ? Direction::ToGpu
                                            : Direction::FromGpu,
               c.width * c.height);
  const auto run = [c] {
    for (size_t y = 0; y < c.height; ++y) {
      auto* const to = static_cast<unsigned char*>(c.to) + y * c.to_pitch;
      if (c.from != nullptr)
        std::memcpy(to, static_cast<const unsigned char*>(c.from) + y * c.from_pitch, c.width);
      else
        std::memset(to, c.value, c.width);
    }
  };
  if (stream->capture != nullptr) {
    if (pageable) {
      fault("a captured copy of memory that is not page-locked");
      return CUDA_ERROR_INVALID_VALUE;
    }
    enqueue(stream, run);
    return CUDA_SUCCESS;
  }
  if (async && pageable && c.from != nullptr && !c.from_device) {  // read before the call returns
    std::vector<unsigned char> kept(c.width * c.height);
    for (size_t y = 0; y < c.height; ++y)
      std::memcpy(&kept[y * c.width], static_cast<const unsigned char*>(c.from) + y * c.from_pitch, c.width);
    enqueue(stream, [c, kept = std::move(kept)] {
      for (size_t y = 0; y < c.height; ++y)
        std::memcpy(static_cast<unsigned char*>(c.to) + y * c.to_pitch, &kept[y * c.width], c.width);
    });
    return CUDA_SUCCESS;
  }
  enqueue(stream, run);
  if (!async || pageable) finish(stream);
  return CUDA_SUCCESS;
}

}  // namespace cuda_on_cpu
