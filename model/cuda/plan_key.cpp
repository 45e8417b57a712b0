#include "model/cuda/plan_key.h"

#include <fmt/core.h>

#include <bit>
#include <sstream>

#include "model/cuda/hash.h"

namespace cdsr::cuda {
namespace {

class Hash {
 public:
  /// A word at a time: a large network has 13 million weights.
  void add(uint64_t word) { value_ = (value_ ^ (word * 0x9e3779b97f4a7c15ULL)) * 0x100000001b3ULL; }
  void add(const Conv& conv) {
    for (const int n : {conv.in, conv.out, conv.kernel}) add(static_cast<uint64_t>(n));
    for (const float w : conv.weight) add(std::bit_cast<uint32_t>(w));
    for (const float b : conv.bias) add(std::bit_cast<uint32_t>(b));
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = kHashStart;
};

}  // namespace

uint64_t network_hash(const Network& network) {
  Hash hash;
  hash.add(static_cast<uint64_t>(network.config.scale));
  hash.add(network.head);
  for (const Block& block : network.blocks) {
    for (const Dqa& dqa : block.dqa) hash.add(dqa.conv);
    hash.add(block.conv1);
    hash.add(block.conv2);
    for (const DenseBlock& rdb : block.rdb)
      for (const Conv& conv : rdb.conv) hash.add(conv);
  }
  hash.add(network.trunk);
  hash.add(network.tail);
  return hash.value();
}

std::string driver_text(int cuda_version, const std::string& proc) {
  // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  ..." or "... Open Kernel Module for x86_64
  // 580.65.06  ...": the first word with a dot that begins with a digit.
  std::istringstream words(proc);
  for (std::string word; words >> word;)
    if (word.front() >= '0' && word.front() <= '9' && word.find('.') != std::string::npos)
      return fmt::format("{} {}", cuda_version, word);
  return fmt::format("{}", cuda_version);
}

}  // namespace cdsr::cuda
