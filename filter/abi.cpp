#include "filter/abi.h"

#include <algorithm>

#include "filter/option_table.h"

namespace cdsr::abi {
namespace {

// The end of a member. A struct that grows gets another line here, chosen by `version`.
#define CDSR_END(type, member) (offsetof(type, member) + sizeof(type::member))

/// Whether nothing but padding follows.
template <typename T>
constexpr bool is_all_of(size_t end) {
  return (end + alignof(T) - 1) / alignof(T) * alignof(T) == sizeof(T);
}

constexpr size_t kFrame1 = CDSR_END(cdsr_frame, memory);
constexpr size_t kModelInfo1 = CDSR_END(cdsr_model_info, query);
constexpr size_t kOptions1 = CDSR_END(cdsr_options, log_opaque);
constexpr size_t kHints1 = CDSR_END(cdsr_hints, time);
constexpr size_t kFrameInfo1 = CDSR_END(cdsr_frame_info, total_ms);
constexpr size_t kFrameInfo2 = CDSR_END(cdsr_frame_info, reused);
constexpr size_t kStats1 = CDSR_END(cdsr_stats, color_ms);
constexpr size_t kStats2 = CDSR_END(cdsr_stats, reused);
constexpr size_t kStats5 = CDSR_END(cdsr_stats, redone);
static_assert(is_all_of<cdsr_frame>(kFrame1) && is_all_of<cdsr_model_info>(kModelInfo1) &&
              is_all_of<cdsr_hints>(kHints1) && is_all_of<cdsr_frame_info>(kFrameInfo2) &&
              is_all_of<cdsr_stats>(kStats5));

size_t width(const cdsr_option& option) {
  switch (option.kind) {
    case CDSR_OPTION_FLOAT:
      return sizeof(double);
    case CDSR_OPTION_TEXT:
      return sizeof(const char*);
    default:
      return sizeof(int32_t);
  }
}

}  // namespace

template <>
size_t size<cdsr_frame>(uint32_t) {
  return kFrame1;
}

template <>
size_t size<cdsr_model_info>(uint32_t) {
  return kModelInfo1;
}

/// The table knows what came later.
template <>
size_t size<cdsr_options>(uint32_t version) {
  size_t end = kOptions1;
  for (const cdsr_option* const* option = option_list(); *option != nullptr; ++option)
    if ((*option)->since <= version) end = std::max(end, (*option)->offset + width(**option));
  return end;
}

template <>
size_t size<cdsr_hints>(uint32_t) {
  return kHints1;
}

template <>
size_t size<cdsr_frame_info>(uint32_t version) {
  return version < 2 ? kFrameInfo1 : kFrameInfo2;
}

template <>
size_t size<cdsr_stats>(uint32_t version) {
  return version < 2 ? kStats1 : version < 5 ? kStats2 : kStats5;
}

}  // namespace cdsr::abi
