// One oneDNN convolution: N = 1, one thread, bias and post-operations fused.
#pragma once

#include <map>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "model/cpu/cpu.h"
#include "model/cpu/memory.h"
#include "model/cpu/packed.h"

namespace cdsr::cpu {

enum class Layout : uint8_t {
  Rows,     ///< nhwc: a range of rows is a dense tensor of its own, so strips and line buffers are plain
            ///< pointers
  Blocked,  ///< nChw16c (8 on AVX2): a prefix of the channels is one, so dense blocks need no copy
};

/// Channels in a block of Layout::Blocked on this processor.
int block_channels();

enum class Post : uint8_t {
  None,
  Activate,     ///< lrelu(conv)
  Add,          ///< conv + operand
  ScaleAdd,     ///< slope * conv + operand
  SumActivate,  ///< lrelu(conv + what dst holds)
  AddActivate,  ///< lrelu(conv + operand)
};

/// What is convolved. Without `pad_rows` the caller gives `rows` + kernel - 1 input rows for `rows` output
/// rows; with it `rows` input rows are padded by kernel / 2 zeros above and below. Columns are padded always.
struct ConvShape {
  int in = 0, out = 0, kernel = 1, stride = 1;
  bool pad_rows = false;
  Layout layout = Layout::Rows;
  Type src = Type::F32, dst = Type::F32;
  Post post = Post::None;
  float slope = 1;

  /// Pixels of the output on a side of which the input has `side`, padded.
  int out_side(int side) const { return (side + kernel / 2 * 2 - kernel) / stride + 1; }

  auto key() const { return std::tie(in, out, kernel, stride, pad_rows, layout, src, dst, post, slope); }
  bool operator<(const ConvShape& other) const { return key() < other.key(); }
};

/// A compiled convolution. Immutable; may be executed by several threads at once. Make it on a pool thread:
/// oneDNN bakes the thread count in.
class ConvKernel {
 public:
  /// Throws Unsupported where oneDNN would run its reference or GEMM path on a processor that has better.
  ConvKernel(const ConvShape& shape, int width, int rows);

  const dnnl::convolution_forward::primitive_desc& desc() const { return desc_; }
  const dnnl::convolution_forward& primitive() const { return primitive_; }
  Post post() const { return post_; }
  const std::string& label() const { return label_; }  ///< "32->32 3x3 bf16 480x8"
  const char* implementation() const { return desc_.impl_info_str(); }
  size_t scratch() const { return desc_.scratchpad_desc().get_size(); }

 private:
  Post post_;
  std::string label_;
  dnnl::convolution_forward::primitive_desc desc_;
  dnnl::convolution_forward primitive_;
};

/// The kernels of one engine's plan, each made once. Not thread-safe while it grows.
class ConvSet {
 public:
  /// Index of the kernel, for ConvCaller.
  int add(const ConvShape& shape, int width, int rows);
  const ConvKernel& operator[](int i) const { return *kernels_[i]; }
  int size() const { return static_cast<int>(kernels_.size()); }
  size_t scratch() const;  ///< of the hungriest
  /// Adds each to `all`.
  void list(std::vector<Implementation>& all) const;

 private:
  std::map<std::tuple<ConvShape, int, int>, int> index_;
  std::vector<std::unique_ptr<ConvKernel>> kernels_;
};

/// One thread's means to run the kernels of a set: argument lists and a scratchpad, made at plan time.
class ConvCaller {
 public:
  explicit ConvCaller(const ConvSet& set);
  ~ConvCaller();
  ConvCaller(ConvCaller&&) = default;
  ConvCaller(const ConvCaller&) = delete;
  ConvCaller& operator=(const ConvCaller&) = delete;
  ConvCaller& operator=(ConvCaller&&) = delete;

  /// `operand` is for Post::Add, ScaleAdd and AddActivate, else ignored.
  void run(int kernel, const void* src, const void* weights, const float* bias, void* dst,
           const void* operand = nullptr);

  static size_t bytes(const ConvSet& set) { return set.scratch(); }

 private:
  struct Slot {
    dnnl::memory src, weights, bias, dst, scratch, operand;
    dnnl_primitive_t primitive = nullptr;
    dnnl_exec_arg_t args[6] = {};
    int count = 5;
  };
  Buffer scratch_;
  dnnl::stream stream_;
  std::vector<Slot> slots_;
};

}  // namespace cdsr::cpu
