// The PTX instructions that the kernels use, after the PTX ISA manual: the text of the asm statement says
// which instruction, and which operand is which register.
#pragma once

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

namespace cuda_on_cpu {

/// An operand of an asm statement: 32 bits to be written (and read), or a value.
struct Operand {
  void* output = nullptr;
  uint64_t value = 0;
};

template <typename T>
Operand output(T& register32) {
  static_assert(sizeof(T) == 4, "registers of 32 bits alone");
  return {&register32, 0};
}
template <typename T>
Operand input(T value) {
  if constexpr (std::is_pointer_v<T>) {
    return {nullptr, reinterpret_cast<uintptr_t>(value)};
  } else if constexpr (std::is_floating_point_v<T>) {
    static_assert(sizeof(T) == 4, "registers of 32 bits alone");
    uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return {nullptr, bits};
  } else {
    return {nullptr, static_cast<uint64_t>(value)};
  }
}

class Instruction {
 public:
  /// Ends the program for an instruction that is not known.
  explicit Instruction(const char* text);
  /// For the thread that runs.
  void run(std::initializer_list<Operand> operands) const;

 private:
  using Action = void (*)(const Instruction&, const Operand* operands);
  struct Place {  ///< an operand of the text: %n, or a number that is written there
    int index = -1;
    uint64_t number = 0;
  };
  static uint64_t value(const Place& place, const Operand* operands);
  static void* register_of(const Place& place, const Operand* operands);

  static void copy_async(const Instruction& i, const Operand* operands);
  static void commit(const Instruction& i, const Operand* operands);
  static void wait(const Instruction& i, const Operand* operands);
  static void load_matrices(const Instruction& i, const Operand* operands);
  template <typename Product>
  static void multiply(const Instruction& i, const Operand* operands);

  std::string text_;
  Action action_ = nullptr;
  size_t count_ = 0;  ///< operands of the asm statement
  std::vector<Place> places_;
};

}  // namespace cuda_on_cpu
