// The steps of `cdsr film`.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tools/film/job.h"

namespace cdsr::film {

/// The first pass: film.json and frames.crc, unless both are there. Throws Io with FFmpeg's words, and what
/// read_film() throws.
void analyse(const JobFolder& folder, const Job& job);

/// What the folder's film is upscaled in.
struct Plan {
  Film film;
  FrameList frames;
  std::vector<Piece> pieces;
};

/// Of what analyse() left, edited or not. Throws InvalidArgument when film and frames do not belong together.
Plan read_plan(const JobFolder& folder, const Job& job);

/// Makes one piece, unless it is there. Throws InvalidArgument when this libcdsr is not the job's or the
/// input is another one, Io with FFmpeg's words, and when the frames that came are not those of the first
/// pass.
void make_piece(const JobFolder& folder, const Job& job, const Plan& plan, size_t number);

/// The pieces one after the other, with everything else that the input has, into `out`, which appears whole
/// or not at all. Throws Io.
void join(const JobFolder& folder, const Job& job, const Plan& plan, const std::filesystem::path& out);

/// An FFmpeg with the filter: `given`, a path or a name, beside this program, or in the search path.
std::string find_ffmpeg(const std::string& given);

/// Of libcdsr, as it runs here.
std::string library_version();

/// This program's file.
std::filesystem::path this_program();

}  // namespace cdsr::film
