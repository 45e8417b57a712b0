// A network as the CPU backend runs it: a sequence of segments. Inside a segment everything is local, and
// strips of rows run through it independently; between two segments all strips meet. A segment ends where a
// DQA needs the mean of its input (queries measured on this frame), before and after each dense block, and
// where going on would make strips recompute too many rows of their neighbours.
#pragma once

#include <string>
#include <vector>

#include "model/cpu/packed.h"

namespace cdsr::cpu {

enum class OpKind : uint8_t {
  Read,     ///< RowSource -> picture
  Head,     ///< picture -> features
  Dqa,      ///< features -> features, LeakyReLU included
  Conv,     ///< 3x3, features -> features, with LeakyReLU or a residual
  Tail,     ///< 3x3, features -> fp32 values, scale^2 of each plane
  Shuffle,  ///< values (and picture) -> enlarged picture
  Write,    ///< enlarged picture -> RowSink
  Dense,    ///< a residual dense block; a segment of its own
};

/// A tensor of the program. Rows are low-resolution rows; one row of Enlarged is `scale` rows of the output.
struct TensorPlan {
  enum Kind : uint8_t { Features, Picture, Values, Enlarged } kind = Features;
  int channels = 0;    ///< stored; of Features and Values
  bool frame = false;  ///< kept whole, else a few rows of it per thread
};

struct Op {
  OpKind kind = OpKind::Conv;
  int in = -1, out = -1;      ///< tensors
  int aux = -1;               ///< Conv: residual; Shuffle: picture; Dense: what is added at the end, or -1
  bool activate_sum = false;  ///< Conv: lrelu(conv + aux) in place of conv + aux
  int radius = 0;             ///< rows of `in` above and below that a row of `out` needs
  int aux_radius = 0;         ///< the same of `aux`
  float slope = 1;            ///< Head, Dqa, Conv: of its LeakyReLU; 1: none
  int dqa = -1;               ///< Dqa: index
  const PackedConv* conv = nullptr;          ///< Head, Dqa, Conv, Tail
  const float* head_weights = nullptr;       ///< Head: [9 planes][channels], see FeatureKernels::head
  const QuantizedConv* quantized = nullptr;  ///< the convolution of a network that has been quantized
  const PackedDense* dense = nullptr;        ///< Dense
  double macs = 0;                           ///< per pixel of a row
};

struct Segment {
  std::vector<Op> ops;
  int mean = -1;  ///< the DQA whose query is the mean of the last op's output, or -1
};

struct Program {
  std::vector<TensorPlan> tensors;
  std::vector<Segment> segments;
  bool cuttable = false;  ///< may run in bands (bands.h): its first segment starts from the picture
};

enum class Purpose : uint8_t {
  Upscale,  ///< with filters that are known
  Measure,  ///< the means of every DQA's input alone; of networks with DQAs
  Frame,    ///< both: a query of every frame's own
};
/// Most blocks of a Body::Stack network whose program is one segment.
inline constexpr int kMostUncutBlocks = 14;
Program build_program(const PackedNetwork& network, Purpose purpose);

}  // namespace cdsr::cpu
