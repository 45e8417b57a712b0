// What compression does to pictures: through a real encoder and decoder of FFmpeg's libraries and back.
#pragma once

#include <span>
#include <vector>

#include "tools/degrade/yuv420.h"

namespace cdsr::degrade {

enum class Codec { None, Jpeg, Mpeg2, H264, Hevc, Vp9, Av1 };
inline constexpr int kCodecs = 7;

const char* to_string(Codec codec);

/// Whether this FFmpeg can encode and decode it. None is always available.
bool available(Codec codec);

/// Which colours a codec's files have.
inline YuvKind yuv_kind(Codec codec) { return codec == Codec::Jpeg ? YuvKind::Jpeg : YuvKind::Video; }

/// The unit of `quality`: the quantizer scale of Jpeg and Mpeg2, 1 (best) to 31; the CRF of H264 and Hevc, 0
/// (best) to 51, and of Vp9 and Av1, 0 (best) to 63.
bool has_crf(Codec codec);

struct Recoded {
  std::vector<Yuv420> frames;  ///< decoded, as many as went in, in their order
  /// How coarse the quantizer was on average, on H.264's scale of QPs, whose step doubles every 6: as the
  /// encoder reports it (H264, Hevc), or from `quality`. 0: not coded.
  double qp = 0;
};

/// Encodes `clip` (same sizes, at least one frame) and decodes it. The encoder is new each time, so that the
/// result depends on the arguments alone; the first frame is intra-coded, the others as the encoder likes.
/// Throws Unsupported for a codec that is not available, Internal when the libraries fail. Safe from many
/// threads.
Recoded recode(Codec codec, double quality, std::span<const Yuv420> clip);

}  // namespace cdsr::degrade
