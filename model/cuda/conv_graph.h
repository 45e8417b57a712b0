// A convolution with bias, LeakyReLU and residuals as one cuDNN graph: candidates, plans.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/cuda/conv_shape.h"
#include "model/cuda/cudnn.h"

namespace cdsr::cuda {

/// An operation graph and the engine configurations that cuDNN's heuristics offer for it.
class ConvGraph {
 public:
  /// handle: of a GPU; or nullptr with `device`, a finished DEVICEPROP descriptor, for a GPU that is not
  /// here. Throws Device if cuDNN does not take the graph itself.
  ConvGraph(const Cudnn& cudnn, const ConvGraphShape& shape, cudnnHandle_t handle, const Descriptor* device);

  struct Candidate {
    Descriptor config;
    int64_t engine = 0;
    /// Same input, same bits, and products of the tensors' own precision summed in fp32: by cuDNN's notes.
    bool exact = false;
    /// cuDNN can also give it as a CUDA graph itself; it then does nothing but launch kernels.
    bool native_graph = false;
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

/// The addresses that a plan of the call's shape is run with. Reads the factors when it is executed: `call`
/// must live until then.
Descriptor variant_pack(const Cudnn& cudnn, const ConvCall& call, void* workspace);

}  // namespace cdsr::cuda
