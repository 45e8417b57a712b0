// What the stand-in for a GPU has seen: faults, launches, copies. Written at the program's end to standard
// error, and as JSON to the file that CUDA_ON_CPU_REPORT names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace cuda_on_cpu {

/// Something that a GPU would not do, or not reliably. Each text is printed once, all are counted.
void fault(const std::string& text);
/// The same where nothing can go on: ends the program.
[[noreturn]] void fatal(const std::string& text);

enum class Counter { Launches, GraphLaunches, Conditionals, GraphInstances };
void count(Counter which);

enum class Direction { ToGpu, FromGpu, Within };
/// The module calls the runtime, the programs that load it call the driver.
enum class Caller { Module, Host };
void count_copy(Caller caller, Direction direction, size_t bytes);

/// A whole number from the environment.
long setting(const char* name, long otherwise);

}  // namespace cuda_on_cpu
