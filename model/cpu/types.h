// Names shared with the instruction-set-specific sources: no code that could be compiled for the wrong
// processor.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cdsr::cpu {

/// Instructions our own loops are compiled for.
/// Each has what stands before it.
enum class Isa : uint8_t { Base, Avx2, Avx512, Avx512Bf16 };

/// How a tensor's values are stored.
enum class Type : uint8_t { F32, Bf16, U8 };
inline constexpr int kTypes = 3;
constexpr size_t size_of(Type type) { return type == Type::F32 ? 4 : type == Type::Bf16 ? 2 : 1; }
constexpr const char* name_of(Type type) {
  return type == Type::F32 ? "fp32" : type == Type::Bf16 ? "bf16" : "int8";
}

/// A bf16 number's bits.
struct Bf16 {
  uint16_t bits;
};

/// Floats to the left of every row of a picture, zeros that the head reads; at least as many to the right,
/// room for vectors to pass the end.
inline constexpr int kPicturePad = 16;

}  // namespace cdsr::cpu
