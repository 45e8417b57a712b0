// The interface every backend serves. Knows tensors and rows of pictures, no video.
//
// Life of an engine, one stream of frames, one thread at a time:
//
//   auto engine = create_engine(network, options);            // registry.h
//   engine->plan(width, height);                              // allocates everything; again on a new size
//   per shot:  engine->embed(source, embedding);              // LPE + CSC -> E_a
//              engine->condition(embedding);                  // everything that depends on E_a alone
//              engine->measure_queries(source, queries);      // Query::Shot: the means of its first frame
//              engine->set_queries(queries);
//   per frame: engine->upscale(source, sink);
//
// After plan() no call allocates. The result does not depend on the thread count; the same backend gives the
// same bits twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/config.h"
#include "model/network.h"

namespace cdsr {

struct DeviceFrame;   // filter/color/device_frame.h: what the CUDA module's colour kernels read
struct DeviceOutput;  // and write

/// Gives the engine a low-resolution frame as rows of R'G'B', nominal range [0,1], already clipped to it.
/// read() is called from several engine threads at once and may ask for the same rows more than once.
class RowSource {
 public:
  virtual ~RowSource() = default;
  /// Writes rows [y, y + rows) of the three planes: row r of plane p starts at dst[p] + r * stride (floats).
  /// 0 <= y, y + rows <= height. Writes exactly `width` floats a row.
  virtual void read(int y, int rows, float* const dst[3], ptrdiff_t stride) const = 0;
  /// The frame in the engine's GPU, which then converts it itself and does not call read(); else nullptr.
  virtual const DeviceFrame* device() const { return nullptr; }
};

/// Takes the super-resolved frame from the engine, in strips, from several engine threads at once. Every
/// output row is given exactly once; strips come in any order.
class RowSink {
 public:
  virtual ~RowSink() = default;
  /// Extra rows above and below each strip that write() needs to see (for vertical chroma filters), 0..4.
  virtual int context() const { return 0; }
  /// Rows [y, y + rows) of the scale x size frame. Row r of plane p is at src[p] + r * stride (floats), for r
  /// from -min(context(), y) to rows + min(context(), out_height - y - rows) - 1. Values are not clipped. y
  /// and rows are even, except that the last strip may end at an odd height.
  virtual void write(int y, int rows, const float* const src[3], ptrdiff_t stride) = 0;
  /// The frame in the engine's GPU, which then writes it itself and does not call write(); else nullptr.
  virtual const DeviceOutput* device() const { return nullptr; }
};

enum class Precision {
  Auto,  ///< the backend's best: on a processor bf16 where it multiplies it natively, else fp32; on a GPU
         ///< fp16
  Fp32,
  Bf16,  ///< bf16 storage and products, fp32 accumulation
  Fp16,  ///< the same in IEEE half precision: eight times finer, up to 65504. GPUs alone
  Fp8,   ///< fp16, but the products of the dense blocks in e4m3. GPUs from sm_89 (Ada) on, RRDB bodies
};

const char* to_string(Precision precision);
Precision precision_from_string(std::string_view text);  ///< "auto", "fp32", ...; throws InvalidArgument

struct EngineOptions {
  Precision precision = Precision::Auto;
  int threads = 0;                        ///< 1..256; 0: one for each processor this process may use
  Query query = Query::Shot;              ///< default for the model: network.config.query
  size_t memory_limit = size_t{2} << 30;  ///< bytes for all of plan()'s buffers together; 0: no limit
  int device = 0;                         ///< index of the GPU
  void* cuda_context = nullptr;           ///< CUcontext to live in; nullptr: the primary one of `device`
  /// Gets a line for what an engine decides later than when it is made; may be empty. Valid as long as the
  /// engine, called in its thread.
  std::function<void(const std::string&)> log = {};
};

struct EngineInfo {
  std::string backend;                    ///< "cpu", "reference", "cuda"
  std::string detail;                     ///< what was chosen: library, version, instruction set
  Precision precision = Precision::Fp32;  ///< never Auto
  int threads = 1;
  size_t planned_bytes = 0;  ///< of the current plan
  int64_t redone = 0;        ///< frames that half precision could not hold (NaN, Inf) and fp32 redid
};

/// Time of one stage, summed since the engine was made; for `cdsr bench` and statistics.
struct StageTime {
  std::string stage;   ///< "read", "head", "dqa", "body", "tail", "write", ...
  double seconds = 0;  ///< over all threads
  double macs = 0;     ///< multiply-accumulates done, halo recomputation included
};

/// What an engine on a GPU does with frames in its memory, beside taking them from RowSource::device().
class DeviceFrames {
 public:
  virtual ~DeviceFrames() = default;

  /// Frames come from and go to this CUstream (nullptr: the legacy default stream) from now on: the engine
  /// waits for what is queued there before it reads, and makes it wait for its own work after each call.
  virtual void set_stream(void* stream) = 0;

  /// Mean luma of columns x rows cells, as the shot detector's thumbnail has it. Waits for this frame, not
  /// for the frames that are being upscaled.
  virtual void thumbnail(const DeviceFrame& frame, int columns, int rows, uint16_t* cells) = 0;

  /// The whole frame by bicubic interpolation, without the network.
  virtual void bicubic(const DeviceFrame& in, const DeviceOutput& out) = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;

  virtual const EngineInfo& info() const = 0;
  virtual const Network& network() const = 0;

  /// Allocates everything for frames of this low-resolution size (1..65536 each side). Keeps the condition
  /// and the queries. Throws InvalidArgument, or OutOfMemory naming need and limit.
  virtual void plan(int width, int height) = 0;

  /// LPE and CSC on the planned frame: E_a, config.embedding() floats. Frames larger than the encoder needs
  /// are looked at in a fixed number of windows (model/README.md says which). Sides under kPatch have no
  /// patch branch.
  virtual void embed(const RowSource& frame, std::span<float> embedding) = 0;

  /// Installs an embedding: computes compress, modulation, gates, keys and values of every block.
  virtual void condition(std::span<const float> embedding) = 0;

  /// The mean of every DQA's input on this frame under the installed embedding: dqas() * nf floats.
  virtual void measure_queries(const RowSource& frame, std::span<float> queries) = 0;

  /// Installs queries for Query::Shot and computes the dynamic filters from them.
  virtual void set_queries(std::span<const float> queries) = 0;

  /// Upscales one frame. Needs plan(), condition() and, with Query::Shot, set_queries() before it.
  virtual void upscale(const RowSource& frame, RowSink& out) = 0;

  /// Per-stage times since the last call, then reset. Empty if the backend does not measure.
  virtual std::vector<StageTime> take_times() { return {}; }

  /// nullptr when frames must be in the processor's memory.
  virtual DeviceFrames* device_frames() { return nullptr; }
};

/// Planar float picture in memory, R', G', B', as source and as sink.
// NOLINTNEXTLINE(bugprone-reserved-identifier): clang-tidy 14 means its implied copy loop
struct Image {
  int width = 0, height = 0;
  std::vector<float> plane[3];  ///< width * height each

  Image() = default;
  Image(int w, int h);
};

class ImageSource final : public RowSource {
 public:
  explicit ImageSource(const Image& image) : image_(image) {}
  void read(int y, int rows, float* const dst[3], ptrdiff_t stride) const override;

 private:
  const Image& image_;
};

class ImageSink final : public RowSink {
 public:
  explicit ImageSink(Image& image) : image_(image) {}
  void write(int y, int rows, const float* const src[3], ptrdiff_t stride) override;

 private:
  Image& image_;
};

}  // namespace cdsr
