// Drives the fuzz target without libFuzzer: a valid tiny file, mutated by a seeded generator, N times. The
// same seed gives the same inputs everywhere; a failing one is left in weights_fuzz_input.bin.
//
//   weights_fuzz_driver [ITERATIONS [SEED]]
//   weights_fuzz_driver --corpus FOLDER      writes the valid files, as libFuzzer's start
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "model/network.h"
#include "model/ranges.h"
#include "tests/fuzz/weights_fuzz.h"
#include "tests/model/plain_reader.h"
#include "tests/model/temp_folder.h"
#include "tests/model/tiny.h"

namespace {

using Bytes = std::string;

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t bits() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  size_t below(size_t n) { return n == 0 ? 0 : bits() % n; }

 private:
  uint64_t state_;
};

size_t header_end(const Bytes& b) {
  uint64_t length = 0;
  if (b.size() >= 8) std::memcpy(&length, b.data(), 8);
  return std::min<uint64_t>(b.size(), 8 + std::min<uint64_t>(length, b.size()));
}

void set_length(Bytes& b, uint64_t length) {
  if (b.size() >= 8) std::memcpy(b.data(), &length, 8);
}

/// Replaces b[at, at + n) in the header and keeps the length field true, so that the change reaches the JSON
/// reader.
void splice(Bytes& b, size_t at, size_t n, const std::string& with) {
  const size_t end = header_end(b);
  at = std::min(at, end);
  n = std::min(n, end - at);
  b.replace(at, n, with);
  if (at >= 8) set_length(b, end - 8 - n + with.size());
}

/// Start of a number, string or bracket in the header, found from a random place on.
size_t token(const Bytes& b, Random& r, const char* starts) {
  const size_t end = header_end(b), from = 8 + r.below(end > 8 ? end - 8 : 0);
  const size_t at = b.find_first_of(starts, from);
  return at == std::string::npos || at >= end ? from : at;
}

void mutate(Bytes& b, Random& r) {
  static const std::string kNumbers[] = {"0",
                                         "-1",
                                         "1e9",
                                         "0.5",
                                         "18446744073709551615",
                                         "9223372036854775808",
                                         "99999999999999999999999",
                                         "4294967296",
                                         "null",
                                         "[]",
                                         "{}",
                                         "\"\""};
  static const std::string kTokens[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        ":",
                                        "\"",
                                        "\\u0000",
                                        "\xff",
                                        "true",
                                        "\"shape\":[1],",
                                        "\"__metadata__\":{},",
                                        "[[[[[[[[",
                                        "{\"a\":{\"a\":"};
  if (b.size() < 9) return;
  switch (r.below(9)) {
    case 0:  // a bit of the header
      b[r.below(header_end(b))] ^= static_cast<char>(1 << r.below(8));
      break;
    case 1:  // a bit of the data: NaN, infinity, a negative variance
      b[header_end(b) + r.below(b.size() - header_end(b)) - (header_end(b) == b.size() ? 1 : 0)] ^=
          static_cast<char>(1 << r.below(8));
      break;
    case 2:
      b.resize(r.below(b.size() + 1));
      break;
    case 3:
      b.append(1 + r.below(64), '\0');
      break;
    case 4: {  // another number
      const size_t at = token(b, r, "0123456789");
      const size_t length = std::min<size_t>(b.find_first_not_of("0123456789", at), b.size()) - at;
      splice(b, at, length, kNumbers[r.below(std::size(kNumbers))]);
      break;
    }
    case 5:  // another digit: shapes and offsets that nearly fit
      b[token(b, r, "0123456789")] = static_cast<char>('0' + r.below(10));
      break;
    case 6:
      splice(b, token(b, r, "{}[],:\""), r.below(2), kTokens[r.below(std::size(kTokens))]);
      break;
    case 7: {  // a piece of the header once more, or gone
      const size_t at = token(b, r, "\"{,"),
                   n = std::min<size_t>(1 + r.below(200), header_end(b) - std::min(at, header_end(b)));
      const std::string piece = b.substr(at, n);
      if (r.below(2) == 0)
        splice(b, at, 0, piece);
      else
        splice(b, at, n, "");
      break;
    }
    default:
      set_length(b, r.below(4) == 0 ? r.bits() : header_end(b) - 8 + r.below(17) - 8);
  }
}

std::vector<Bytes> valid_files() {
  const cdsr::TempFolder folder;
  std::vector<Bytes> out;
  for (const cdsr::Body body : {cdsr::Body::Plain, cdsr::Body::Rrdb, cdsr::Body::Stack}) {
    cdsr::CdsrConfig config = cdsr::tiny_config(body, 2);
    config.blocks = 1;
    std::map<std::string, std::string> metadata = {{"cdsr.format", "1"},
                                                   {"cdsr.config", cdsr::to_json(config)}};
    if (body == cdsr::Body::Stack) {
      const size_t features = (static_cast<size_t>(config.blocks) + 1) * config.nf;
      metadata[cdsr::kRangesKey] =
          cdsr::ranges_text({std::vector<float>(features, -0.5F), std::vector<float>(features, 2.0F)});
      metadata[cdsr::kReaderKey] = cdsr::reader_text(cdsr::test::plain_reader(config));
    }
    const auto path = folder.path() / "tiny.safetensors";
    cdsr::write_weights(path, cdsr::random_tensors(config, 1), metadata, cdsr::DType::F16);
    std::ifstream in(path, std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return out;
}

void save(const std::filesystem::path& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void feed(const Bytes& bytes) {
  // An exact heap block: AddressSanitizer then sees a read past the end.
  const std::vector<uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

const Bytes* current = nullptr;

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Bytes> valid = valid_files();
  if (argc == 3 && std::string(argv[1]) == "--corpus") {
    for (size_t i = 0; i < valid.size(); ++i)
      save(std::filesystem::path(argv[2]) / ("tiny" + std::to_string(i) + ".safetensors"), valid[i]);
    return 0;
  }
  const long iterations = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 20000;
  const uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  for (int signal : {SIGABRT, SIGSEGV})
    std::signal(signal, [](int number) {  // writing a file here is not signal-safe, and worth the try
      if (current != nullptr) save("weights_fuzz_input.bin", *current);
      std::signal(number, SIG_DFL);
      std::raise(number);
    });
  for (const Bytes& file : valid) feed(file);
  if (cdsr::fuzz_counts.loaded != static_cast<int64_t>(valid.size())) {
    std::cerr << "the unharmed files do not load\n";
    return 1;
  }
  Random random(seed);
  for (long i = 0; i < iterations; ++i) {
    Bytes bytes = valid[random.below(valid.size())];
    for (size_t n = 1 + random.below(3); n > 0; --n) mutate(bytes, random);
    current = &bytes;
    feed(bytes);
    current = nullptr;
  }
  const auto [parsed, loaded] = cdsr::fuzz_counts;
  std::cout << iterations << " inputs, " << parsed << " parsed, " << loaded << " loaded\n";
  // Were everything refused at the door, the checks behind it would go untested, and the other way round.
  return parsed > loaded && loaded > iterations / 100 && parsed < iterations ? 0 : 1;
}
