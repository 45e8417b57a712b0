// The structs of cdsr.h as they were in API version 1: what a program compiled then has in memory. Never
// changed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cdsr/cdsr.h"

namespace cdsr::test::v1 {

using Text = const char*;
using Planes = void* [4];
using Strides = ptrdiff_t[4];
using Callback = void (*)(void*, int32_t, const char*);
using Pointer = void*;

// clang-format off
#define CDSR_V1_FRAME(M) \
  M(uint32_t, version) M(int32_t, format) M(int32_t, width) M(int32_t, height) M(Planes, plane) \
  M(Strides, stride) M(int32_t, matrix) M(int32_t, range) M(int32_t, chroma_location) M(int32_t, memory)

#define CDSR_V1_MODEL_INFO(M) \
  M(uint32_t, version) M(int32_t, scale) M(Text, name) M(Text, path) M(int64_t, parameters) \
  M(int64_t, macs_per_pixel) M(int32_t, query)

#define CDSR_V1_OPTIONS(M) \
  M(uint32_t, version) M(int32_t, scale) M(Text, model) M(Text, backend) M(int32_t, precision) \
  M(int32_t, threads) M(int32_t, device) M(int32_t, memory) M(int32_t, shots) M(Text, shot_file) \
  M(double, shot_threshold) M(int32_t, refresh) M(int32_t, embed_frames) M(int32_t, shot_cache) \
  M(int32_t, query) M(double, strength) M(int32_t, chroma) M(double, deadline) M(int32_t, live) \
  M(int32_t, fade) M(Pointer, cuda_context) M(Callback, log) M(Pointer, log_opaque)

#define CDSR_V1_HINTS(M) \
  M(uint32_t, version) M(int32_t, cut) M(int32_t, discontinuity) M(int64_t, time)

#define CDSR_V1_FRAME_INFO(M) \
  M(uint32_t, version) M(int32_t, new_shot) M(int64_t, shot) M(int32_t, hit) M(int32_t, embedded) \
  M(int32_t, late) M(int32_t, pending) M(int32_t, bicubic) M(double, score) M(double, shot_ms) \
  M(double, embed_ms) M(double, upscale_ms) M(double, total_ms)

#define CDSR_V1_STATS(M) \
  M(uint32_t, version) M(int32_t, precision) M(int32_t, threads) M(int32_t, query) M(Text, backend) \
  M(Text, detail) M(int64_t, frames) M(int64_t, bicubic_frames) M(int64_t, late_frames) M(int64_t, shots) \
  M(int64_t, embeddings) M(int64_t, hits) M(int64_t, planned_bytes) M(double, shot_ms) M(double, embed_ms) \
  M(double, upscale_ms) M(double, total_ms) M(double, color_ms)

// clang-format on

#define CDSR_V1_MEMBER(type, name) type name;
struct frame {
  CDSR_V1_FRAME(CDSR_V1_MEMBER)
};
struct model_info {
  CDSR_V1_MODEL_INFO(CDSR_V1_MEMBER)
};
struct options {
  CDSR_V1_OPTIONS(CDSR_V1_MEMBER)
};
struct hints {
  CDSR_V1_HINTS(CDSR_V1_MEMBER)
};
struct frame_info {
  CDSR_V1_FRAME_INFO(CDSR_V1_MEMBER)
};
struct stats {
  CDSR_V1_STATS(CDSR_V1_MEMBER)
};

/// Whether every member of version 1 lies where it lay.
#define CDSR_V1_KEPT(type, name) \
  &&offsetof(Now, name) == offsetof(Then, name) && sizeof(Now::name) == sizeof(Then::name)
#define CDSR_V1_STRUCT(name, members)                      \
  template <typename Now, typename Then>                   \
  constexpr bool name##_kept = true members(CDSR_V1_KEPT); \
  static_assert(name##_kept<cdsr_##name, name>, "a member of cdsr_" #name " has moved");
CDSR_V1_STRUCT(frame, CDSR_V1_FRAME)
CDSR_V1_STRUCT(model_info, CDSR_V1_MODEL_INFO)
CDSR_V1_STRUCT(options, CDSR_V1_OPTIONS)
CDSR_V1_STRUCT(hints, CDSR_V1_HINTS)
CDSR_V1_STRUCT(frame_info, CDSR_V1_FRAME_INFO)
CDSR_V1_STRUCT(stats, CDSR_V1_STATS)

}  // namespace cdsr::test::v1
