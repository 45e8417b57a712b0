// The CPU backend. fp32, or bf16 storage and products with fp32 accumulation, or of a stack 8 bits of both;
// 3x3 convolutions in fp32 and 8 bits by our own kernels (winograd.h, kernels.h, int8.h), all others by
// oneDNN, each call on one thread; strips of rows from a queue, each run by one thread through all layers
// that are local (runner.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "model/backend.h"
#include "model/operators.h"

namespace cdsr::cpu {

bool available(std::string& reason);

/// Precision::Auto is of a network with DQAs bf16 where the processor multiplies it natively (AVX512_BF16 or
/// AMX), else fp32; of a stack bf16 with AMX, else int8 with VNNI and ranges, else fp32. Throws Unsupported
/// for bf16 where oneDNN has no bf16 convolution (before AVX512), for int8 where there is no VNNI and where
/// the network is no stack or its file knows no ranges.
std::unique_ptr<EngineBackend> create(std::shared_ptr<const Network> network, const EngineOptions& options);
std::unique_ptr<Operators> operators(const EngineOptions& options);

/// A convolution the engine runs, and the name of what runs it: oneDNN's, or "winograd:", "tail:" or "int8:"
/// and the name of the instruction set.
struct Implementation {
  std::string layer;  ///< "32->32 3x3 bf16 480x8"
  std::string name;   ///< "brgconv:avx512_core_bf16", "winograd:AVX2"
};
/// Of an engine of this backend after its plan(): every distinct convolution, the encoder's included.
std::vector<Implementation> implementations(const EngineBackend& engine);
/// Of the same: bands of rows in which a frame is upscaled; 1: all at once.
int bands(const EngineBackend& engine);

}  // namespace cdsr::cpu
