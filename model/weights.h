// safetensors files: the only format weights are stored in.
//
// Layout (https://github.com/huggingface/safetensors): u64 little-endian header length, a JSON header
// {"name": {"dtype", "shape", "data_offsets": [begin, end)}, ..., "__metadata__": {string: string}}, then the
// data. A released CDSR file carries in its metadata: cdsr.format ("1"), cdsr.config (JSON, see config.h),
// cdsr.recipe, cdsr.trained, cdsr.scores.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cdsr {

enum class DType {
  F32,
  F16,
  BF16,
  I64,  ///< whole numbers: counters in state dictionaries of other programs, never in a network's file
};

/// What WeightsFile makes of a tensor of whole numbers.
enum class WholeNumbers { Refused, Kept };

const char* to_string(DType dtype);
size_t size_of(DType dtype);

/// A tensor inside a WeightsFile. Valid as long as the file object lives.
struct TensorView {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  const std::byte* data = nullptr;  ///< little endian, row major; not necessarily aligned
  size_t bytes = 0;

  int64_t count() const;
  /// The values as floats (F16 and BF16 widened). Not of I64.
  std::vector<float> to_float() const;
};

/// A memory-mapped safetensors file, checked completely when opened: header size and JSON, every dtype,
/// shape, offset and length, no overlap, no gap, no overflow, no duplicate, no trailing bytes. Immutable;
/// safe to read from many threads.
class WeightsFile {
 public:
  /// Throws Io (cannot open or map) or BadWeights (says tensor, what was expected and what was found).
  static WeightsFile open(const std::filesystem::path& path,
                          WholeNumbers whole_numbers = WholeNumbers::Refused);
  /// The same checks on bytes in memory, which must outlive the object. For tests and the fuzzer.
  static WeightsFile parse(const std::byte* data, size_t size, std::string name,
                           WholeNumbers whole_numbers = WholeNumbers::Refused);

  const std::string& name() const { return name_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::vector<TensorView>& tensors() const { return tensors_; }  ///< in file order
  const TensorView* find(std::string_view name) const;                 ///< nullptr when absent

 private:
  std::string name_;
  std::shared_ptr<const void> mapping_;
  std::map<std::string, std::string> metadata_;
  std::vector<TensorView> tensors_;
};

/// A tensor to write.
struct NamedTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

/// Writes atomically (temporary file beside it, fsync, rename). Values are stored as `dtype`, not I64,
/// rounded to nearest even. Throws Io; the old file, if any, is then untouched.
void write_weights(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                   const std::map<std::string, std::string>& metadata, DType dtype);

}  // namespace cdsr
