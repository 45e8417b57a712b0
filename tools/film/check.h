// Whether an upscaled film is still the film that it was made of, without a reference: made small again it
// must be the input, shot by shot.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "filter/film/film.h"
#include "tools/media/image_io.h"

namespace cdsr::film {

/// Beyond these a shot fails. README.md says how they were chosen.
struct CheckLimits {
  double psnr = 30;         ///< dB, at least
  double colour = 4;        ///< codes, at most
  double temporal = 4;      ///< codes, at most
  double flicker = 1.5;     ///< codes, at most
  double overshoot = 8;     ///< percent, at most
  double clipped = 1;       ///< percent, at most
  double interpolated = 3;  ///< dB below interpolation, at most
};

/// A shot of the output against the input; means over the frames that were looked at. Codes are of 8 bits.
struct ShotCheck {
  size_t shot = 0;
  int64_t first = 0, frames = 0;  ///< of the shot
  double time = 0;                ///< of its first frame, seconds
  int looked_at = 0;              ///< frames
  double psnr = 0;                ///< of luma, dB: the output made small against the input; at most 99
  double ssim = 0;                ///< the same
  double colour =
      0;  ///< distance of Cb and Cr over 16 x 16 input pixels, without what one frame's noise does
  double temporal = 0;  ///< change from frame to frame that only one of the two has
  double flicker = 0;   ///< change of the output where the input stands still
  double overshoot =
      0;               ///< percent of the output beyond what the input has around there by more than 8 codes
  double clipped = 0;  ///< percent of the output at black or white where the input is not
  double interpolated = 0;            ///< PSNR as above of the input enlarged by bicubic interpolation
  std::vector<std::string> findings;  ///< what is wrong, and what to do about it; empty: the shot holds
};

struct FilmCheck {
  int scale = 2;
  int64_t frames = 0;  ///< of both
  std::vector<ShotCheck> shots;

  size_t failed() const;
};

/// Compares two files frame by frame. film: nullptr, or whose shots count; else the input's are found as
/// the filter finds them. every: looks at a pair of neighbouring frames out of so many of a shot, 2... Throws
/// InvalidArgument when sizes or numbers of frames do not fit, and what reading throws.
FilmCheck check_film(const std::filesystem::path& in, const std::filesystem::path& out, const Film* film,
                     int every, const CheckLimits& limits);

/// A picture made small by `scale`, as the inputs of films mostly were.
tools::Picture made_small(const tools::Picture& picture, int scale);

/// For a terminal; as JSON; as an HTML page.
std::string check_table(const FilmCheck& check);
std::string check_json(const FilmCheck& check);
std::string check_page(const FilmCheck& check, const std::string& title, const CheckLimits& limits);

}  // namespace cdsr::film
