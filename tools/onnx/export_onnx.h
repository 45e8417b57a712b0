// A network as ONNX models for other runtimes.
//
// Three files, names made from the path given by adding:
//   -embedding.onnx  picture (N x 3 x H x W) -> embedding (N x d). Looks at the whole picture; the engines
//   look at
//                    large ones in windows (model/encoder_windows.h): give it a window, or accept the cost.
//   -sr.onnx         picture (1 x 3 x H x W), embedding (1 x d) -> upscaled (1 x 3 x sH x sW, not clipped)
//   and
//                    queries (DQAs x nf): the means of this picture, Query::Frame
//   -sr-shot.onnx    picture, embedding, queries -> upscaled: Query::Shot, the queries as the file above gave
//                    them for the shot's first frame
// Pictures are R'G'B' in [0,1], every H and W from 1.
//
// A network with experts is a plain network once the shot's embedding is known. Of it one file is made:
//   -sr.onnx         picture (1 x 1 x H x W: luma in [0,1]) -> upscaled (1 x 1 x sH x sW)
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/network.h"

namespace cdsr::onnx_export {

/// Writes the three files; returns their names. The metadata goes into each. Throws Io, and InvalidArgument
/// for a network with experts.
std::vector<std::filesystem::path> write_onnx(const Network& network,
                                              const std::map<std::string, std::string>& metadata,
                                              const std::filesystem::path& path);

/// Writes the file of a network with experts whose weights are mixed for `embedding` (d values) and a
/// sharpness of 0 to 1; returns its name. Throws Io, and InvalidArgument for a network without experts, or
/// one without sharp sets when sharpness is above 0.
std::filesystem::path write_mixed_onnx(const Network& network, std::span<const float> embedding,
                                       float sharpness, const std::map<std::string, std::string>& metadata,
                                       const std::filesystem::path& path);

}  // namespace cdsr::onnx_export
