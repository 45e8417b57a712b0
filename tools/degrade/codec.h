// What compression does to pictures: through a real encoder and decoder of FFmpeg's libraries and back.
#pragma once

#include <span>

#include "tools/degrade/yuv420.h"

namespace cdsr::degrade {

enum class Codec { None, Jpeg, Mpeg2, H264, Hevc };

const char* to_string(Codec codec);

/// Whether this FFmpeg can encode and decode it. None is always available.
bool available(Codec codec);

/// Which colours a codec's files have.
inline YuvKind yuv_kind(Codec codec) { return codec == Codec::Jpeg ? YuvKind::Jpeg : YuvKind::Video; }

/// Encodes `clip` (same sizes, at least one frame) and returns its frame `shown` decoded. `quality` is the
/// quantizer scale of Jpeg and Mpeg2 (1 best to 31), the CRF of H264 and Hevc (0 best to 51). The encoder is
/// new each time, so that the result depends on the arguments alone; the first frame is intra-coded, the
/// others as the encoder likes. Throws Unsupported for a codec that is not available, Internal when the
/// libraries fail. Safe from many threads.
Yuv420 recode(Codec codec, double quality, std::span<const Yuv420> clip, size_t shown);

}  // namespace cdsr::degrade
