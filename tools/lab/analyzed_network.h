// The network under analysis: LibTorch's execution of a weights file, laboratory variants included, behind an
// interface of plain vectors. One thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/config.h"
#include "tools/media/image_io.h"

namespace cdsr::analyze {

class AnalyzedNetwork {
 public:
  /// Throws what opening and loading the file throw. threads: of LibTorch's operators, 0: its default.
  AnalyzedNetwork(const std::filesystem::path& file, int threads);
  ~AnalyzedNetwork();
  AnalyzedNetwork(const AnalyzedNetwork&) = delete;
  AnalyzedNetwork& operator=(const AnalyzedNetwork&) = delete;

  const CdsrConfig& config() const;
  std::string variant() const;  ///< as model/torch/variant.h writes it, "" for the paper's network
  int64_t parameters() const;
  bool has_codebook() const;

  /// E_a of a low-resolution picture; large ones are looked at in windows, as the engines do.
  std::vector<float> embed(const tools::Picture& lr) const;

  /// The picture upscaled under an embedding, its own or another's; its own queries. Interleaved RGB on
  /// 0..255, not clamped.
  std::vector<float> upscale(const tools::Picture& lr, std::span<const float> embedding) const;

  /// The codebook's attention for a picture: entropy in nats, at most ln(codebook). Throws
  /// InvalidArgument without has_codebook().
  double attention_entropy(const tools::Picture& lr) const;

  /// Each block's conditioning y under an embedding (one vector for DASR).
  std::vector<std::vector<float>> conditioning(std::span<const float> embedding) const;

 private:
  struct Net;
  std::unique_ptr<Net> net_;
};

}  // namespace cdsr::analyze
