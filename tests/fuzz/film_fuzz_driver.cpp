// Drives the fuzz target without libFuzzer: a valid film file, mutated by a seeded generator, N times. The
// same seed gives the same inputs everywhere; a failing one is left in film_fuzz_input.json.
//
//   film_fuzz_driver [ITERATIONS [SEED]]
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "filter/film/film.h"
#include "tests/fuzz/film_fuzz.h"

namespace {

using Random = std::mt19937_64;

size_t below(Random& random, size_t n) { return n == 0 ? 0 : random() % n; }

std::string valid_file() {
  cdsr::Film film;
  film.model = "tiny";
  film.weights = "0123456789abcdef";
  film.width = 64;
  film.height = 48;
  film.frames = 40;
  cdsr::FilmShot first, flash, last;
  first.frames = {{0, 9}, {11, 19}};
  cdsr::DegradationReading reading;
  reading.codec = "h264";
  reading.qp = 27.5F;
  first.looks = {{0, {0.5F, -1.25F}, {3}, reading}, {12, {0.25F, 7}, {4}}};
  first.bars = {{0, {{0, 8, 64, 32}, {0.0625F, 0.5F, 0.5F, 0}}}, {15, {{0, 0, 64, 48}, {}}}};
  flash.frames = {{10, 10}};
  flash.looks = {{10, {1, 2}, {5}}};
  flash.skip = flash.lock = true;
  last.frames = {{20, 39}};
  last.strength = 0.5;
  last.sharpness = 0.25;
  last.like = 0;
  film.shots = {first, flash, last};
  return cdsr::film_text(film);
}

void mutate(std::string& text, Random& random) {
  static const std::string kPieces[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        ",",
                                        ":",
                                        "\"",
                                        "null",
                                        "true",
                                        "-1",
                                        "0",
                                        "1e9",
                                        "1e999",
                                        "0.5",
                                        "40",
                                        "65537",
                                        "\\u0000",
                                        "\xff",
                                        "[[[[[",
                                        "{\"a\":{",
                                        "\"like\":1,",
                                        "[1,1]",
                                        "18446744073709551615",
                                        "\"lock\":true,",
                                        "1099511627776"};
  if (text.empty()) return;
  const size_t at = below(random, text.size());
  switch (below(random, 6)) {
    case 0:
      text[at] = static_cast<char>(text[at] ^ (1 << below(random, 8)));
      break;
    case 1:
      text.resize(at);
      break;
    case 2: {  // another digit
      const size_t digit = std::min(text.find_first_of("0123456789", at), text.size() - 1);
      text[digit] = static_cast<char>('0' + below(random, 10));
      break;
    }
    case 3: {  // another value
      const size_t begin = std::min(text.find_first_of("0123456789", at), text.size());
      const size_t end = std::min(text.find_first_not_of("0123456789.", begin), text.size());
      text.replace(begin, end - begin, kPieces[below(random, std::size(kPieces))]);
      break;
    }
    case 4:
      text.insert(at, kPieces[below(random, std::size(kPieces))]);
      break;
    default: {  // a piece once more, or gone
      const std::string piece = text.substr(at, 1 + below(random, 60));
      if (below(random, 2) == 0)
        text.insert(at, piece);
      else
        text.erase(at, piece.size());
    }
  }
}

const std::string* current = nullptr;

void feed(const std::string& text) {
  // An exact heap block: AddressSanitizer then sees a read past the end.
  const std::vector<uint8_t> exact(text.begin(), text.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  const long iterations = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 20000;
  Random random(argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1);
  for (int signal : {SIGABRT, SIGSEGV})
    std::signal(signal, [](int number) {  // writing a file here is not signal-safe, and worth the try
      if (current != nullptr) std::ofstream("film_fuzz_input.json", std::ios::binary) << *current;
      std::signal(number, SIG_DFL);
      std::raise(number);
    });
  const std::string valid = valid_file();
  feed(valid);
  if (cdsr::films_parsed != 1) {
    std::cerr << "the unharmed file is refused\n";
    return 1;
  }
  for (long i = 0; i < iterations; ++i) {
    std::string text = valid;
    for (size_t n = 1 + below(random, 3); n > 0; --n) mutate(text, random);
    current = &text;
    feed(text);
    current = nullptr;
  }
  std::cout << iterations << " inputs, " << cdsr::films_parsed - 1 << " accepted\n";
  // Were everything refused at the door, the checks behind it would go untested, and the other way round.
  return cdsr::films_parsed > iterations / 100 && cdsr::films_parsed < iterations ? 0 : 1;
}
