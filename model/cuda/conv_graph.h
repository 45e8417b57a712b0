// A convolution with bias, LeakyReLU and residuals as one cuDNN graph: shapes, candidates, plans.
//
// Inputs and outputs may be slices of a wider buffer (pitched NHWC), which cuDNN's runtime-fusion engines
// take: a dense block needs no copies.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/cuda/cudnn.h"

namespace cdsr::cuda {

/// What a graph depends on; also the key of a cached choice.
struct ConvGraphShape {
  bool bf16 = false;  ///< else fp16
  int width = 0, height = 0;
  int in = 0, in_pitch = 0;    ///< channels, multiples of 8
  int out = 0, out_pitch = 0;  ///< likewise
  bool float_out = false;
  float slope = 1, scale = 1;  ///< as in ConvArgs
  int first_pitch = 0;         ///< 0: no residual
  float first_scale = 0;
  int second_pitch = 0;
  float second_scale = 0;

  bool operator==(const ConvGraphShape&) const = default;
  /// "fp16 960x540 64/192->32/192 s0.2 ..."; one line without spaces at its ends.
  std::string text() const;
};

/// Tensors of a graph, by cuDNN's unique ids. Scale and FirstScale are there when they are not 1, and are
/// floats of the processor.
enum class ConvTensor : int64_t { In = 1, Weights, Bias, Out, First, Second, Scale, FirstScale };

/// An operation graph and the engine configurations that cuDNN's heuristics offer for it.
class ConvGraph {
 public:
  /// handle: of a GPU; or nullptr with `device`, a finished DEVICEPROP descriptor, for a GPU that is not
  /// here. Throws Device if cuDNN does not take the graph itself.
  ConvGraph(const Cudnn& cudnn, const ConvGraphShape& shape, cudnnHandle_t handle, const Descriptor* device);

  struct Candidate {
    Descriptor config;
    int64_t engine = 0;
  };
  /// Best first by cuDNN's heuristics.
  std::vector<Candidate> candidates() const;
  /// The plan of a candidate, compiled; empty if cuDNN refuses it (then Cudnn::complaint() says why).
  std::optional<Descriptor> plan(const Candidate& candidate) const;
  /// A plan that plan().get_text(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION) gave earlier; empty if this
  /// cuDNN or GPU does not take it.
  std::optional<Descriptor> restore(const std::string& json) const;

 private:
  const Cudnn& cudnn_;
  cudnnHandle_t handle_;
  const Descriptor* device_;
  std::vector<Descriptor> parts_;  ///< tensors and operations, alive as long as the graph
  std::optional<Descriptor> graph_;
};

}  // namespace cdsr::cuda
