#include "tests/cuda/on_cpu/ptx.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "model/half.h"
#include "tests/cuda/on_cpu/block.h"
#include "tests/cuda/on_cpu/report.h"

namespace cuda_on_cpu {
namespace {

/// What is multiplied: kValues in a register of 32 bits.
struct Fp16 {
  static constexpr int kValues = 2;
  static float at(uint32_t bits, int i) {
    static const std::vector<float> values = [] {
      std::vector<float> all(1 << 16);
      for (uint32_t code = 0; code < all.size(); ++code)
        all[code] = cdsr::f16_to_f32(static_cast<uint16_t>(code));
      return all;
    }();
    return values[bits >> 16 * i & 0xFFFF];
  }
};
struct Bf16 {
  static constexpr int kValues = 2;
  static float at(uint32_t bits, int i) { return cdsr::bf16_to_f32(static_cast<uint16_t>(bits >> 16 * i)); }
};
struct E4m3 {
  static constexpr int kValues = 4;
  static float at(uint32_t bits, int i) {
    static const std::array<float, 256> values = [] {  // OCP 8-bit Floating Point Specification, 5.1
      std::array<float, 256> all{};
      for (int code = 0; code < 128; ++code) {
        const int exponent = code >> 3, fraction = code & 7;
        all[code] = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -9)
                                  : std::ldexp(static_cast<float>(8 + fraction), exponent - 10);
        all[128 + code] = -all[code];
      }
      all[127] = all[255] = NAN;
      return all;
    }();
    return values[bits >> 8 * i & 0xFF];
  }
};

/// Registers of 32 bits that a product has of A; B has half of them.
template <typename Product, int kA>
struct Shape16x8 : Product {
  static constexpr int kRegisters = kA;
  static constexpr int kDepth = kA / 2 * 4 * Product::kValues;
};

template <int kA>
struct Factors {
  uint32_t a[kA], b[kA / 2];
  float* c[4];
};

// mma.m16n8: lane 4 g + t has of A the rows g and g + 8 (registers 0, 2 .. and 1, 3 ..), of B the column g,
// of each the kValues t in every 4 kValues; of C the columns 2 t and 2 t + 1 of rows g (c0, c1) and g + 8
// (c2, c3).
template <typename P>
void multiply_warp(void* const own[kWarp]) {
  using Lane = Factors<P::kRegisters>;
  float a[16][P::kDepth], b[P::kDepth][8];
  for (int i = 0; i < kWarp; ++i) {
    const Lane& lane = *static_cast<const Lane*>(own[i]);
    const int g = i / 4, t = i % 4;
    for (int r = 0; r < P::kRegisters; ++r)
      for (int j = 0; j < P::kValues; ++j)
        a[g + r % 2 * 8][(r / 2 * 4 + t) * P::kValues + j] = P::at(lane.a[r], j);
    for (int r = 0; r < P::kRegisters / 2; ++r)
      for (int j = 0; j < P::kValues; ++j) b[(r * 4 + t) * P::kValues + j][g] = P::at(lane.b[r], j);
  }
  for (int row = 0; row < 16; ++row) {
    float sums[8];
    const auto place = [&](int column) {
      return static_cast<const Lane*>(own[row % 8 * 4 + column / 2])->c[row / 8 * 2 + column % 2];
    };
    for (int column = 0; column < 8; ++column) sums[column] = *place(column);
    for (int k = 0; k < P::kDepth; ++k)
      for (int column = 0; column < 8; ++column) sums[column] += a[row][k] * b[k][column];
    for (int column = 0; column < 8; ++column) *place(column) = sums[column];
  }
}

struct Rows {
  uint32_t address;
  void* result[4];
};

// ldmatrix.x4: lanes 8 i to 8 i + 7 give the rows of matrix i; lane l receives of each matrix the l % 4th
// four bytes of row l / 4.
void load_warp(void* const own[kWarp]) {
  const unsigned char* rows[kWarp];
  for (int i = 0; i < kWarp; ++i)
    rows[i] = shared_memory(static_cast<const Rows*>(own[i])->address, 16, "ldmatrix");
  for (int i = 0; i < kWarp; ++i)
    for (int matrix = 0; matrix < 4; ++matrix)
      std::memcpy(static_cast<const Rows*>(own[i])->result[matrix],
                  rows[8 * matrix + i / 4] + i % 4 * size_t{4}, 4);
}

void need_whole_warp() {
  const dim3& size = coordinates.block_size;
  if (size.x * size.y * size.z % kWarp != 0) fatal("a matrix instruction in a warp that is not whole");
}

using Half16 = Shape16x8<Fp16, 4>;
using Half8 = Shape16x8<Fp16, 2>;
using Bfloat16 = Shape16x8<Bf16, 4>;
using Fp8Product = Shape16x8<E4m3, 4>;

}  // namespace

void Instruction::copy_async(const Instruction& i, const Operand* operands) {
  const uint64_t bytes = value(i.places_[3], operands);
  if (value(i.places_[2], operands) != 16 || (bytes != 0 && bytes != 16))
    fatal(i.text_ + ": not of 16 bytes");
  unsigned char* const to =
      shared_memory(static_cast<uint32_t>(value(i.places_[0], operands)), 16, "cp.async");
  const uint64_t from = value(i.places_[1], operands);
  if (from % 16 != 0)
    fault("cp.async from an address that is not aligned, in " + std::string(running_kernel()));
  copy_later(to, bytes != 0 ? reinterpret_cast<const void*>(from) : nullptr);
}

void Instruction::commit(const Instruction&, const Operand*) { commit_copies(); }

void Instruction::wait(const Instruction& i, const Operand* operands) {
  wait_copies(value(i.places_[0], operands));
}

void Instruction::load_matrices(const Instruction& i, const Operand* operands) {
  need_whole_warp();
  Rows own{};
  for (int n = 0; n < 4; ++n) own.result[n] = register_of(i.places_[n], operands);
  own.address = static_cast<uint32_t>(value(i.places_[4], operands));
  meet(&i, load_warp, &own);
}

template <typename P>
void Instruction::multiply(const Instruction& i, const Operand* operands) {
  constexpr int kA = P::kRegisters;
  need_whole_warp();
  Factors<kA> own;
  const Place* place = i.places_.data();
  const Place* const result = place;
  for (float*& c : own.c) c = static_cast<float*>(register_of(*place++, operands));
  for (uint32_t& a : own.a) a = static_cast<uint32_t>(value(*place++, operands));
  for (uint32_t& b : own.b) b = static_cast<uint32_t>(value(*place++, operands));
  for (int n = 0; n < 4; ++n)
    if (place[n].index != result[n].index) fatal(i.text_ + ": adds to other registers than it writes");
  meet(&i, multiply_warp<P>, &own);
}

Instruction::Instruction(const char* text) : text_(text) {
  struct Known {
    const char* name;
    size_t operands;
    Action action;
  };
  static const Known all[] = {
      {"cp.async.cg.shared.global", 4, copy_async},
      {"cp.async.commit_group", 0, commit},
      {"cp.async.wait_group", 1, wait},
      {"ldmatrix.sync.aligned.m8n8.x4.shared.b16", 5, load_matrices},
      {"mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32", 11, multiply<Half8>},
      {"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", 14, multiply<Half16>},
      {"mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32", 14, multiply<Bfloat16>},
      {"mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32", 14, multiply<Fp8Product>},
  };
  const std::string name = text_.substr(0, text_.find_first_of(" ;"));
  for (size_t i = name.size(); i < text_.size(); ++i) {
    Place place;
    const bool is_register = text_[i] == '%';
    if (!is_register && std::isdigit(static_cast<unsigned char>(text_[i])) == 0) continue;
    char* end = nullptr;
    const uint64_t number = std::strtoull(text_.c_str() + i + (is_register ? 1 : 0), &end, 10);
    if (is_register)
      place.index = static_cast<int>(number);
    else
      place.number = number;
    count_ = std::max(count_, is_register ? number + 1 : 0);
    places_.push_back(place);
    i = static_cast<size_t>(end - text_.c_str()) - 1;
  }
  for (const Known& known : all)
    if (name == known.name && places_.size() == known.operands) action_ = known.action;
  if (action_ == nullptr) fatal("PTX that the stand-in does not know: " + text_);
}

void Instruction::run(std::initializer_list<Operand> operands) const {
  if (operands.size() != count_) fatal(text_ + ": other operands than the text names");
  action_(*this, operands.begin());
}

uint64_t Instruction::value(const Place& place, const Operand* operands) {
  if (place.index < 0) return place.number;
  const Operand& operand = operands[place.index];
  if (operand.output == nullptr) return operand.value;
  uint32_t bits = 0;
  std::memcpy(&bits, operand.output, sizeof bits);
  return bits;
}

void* Instruction::register_of(const Place& place, const Operand* operands) {
  void* const output = place.index >= 0 ? operands[place.index].output : nullptr;
  if (output == nullptr) fatal("an instruction that writes what is no output");
  return output;
}

}  // namespace cuda_on_cpu
