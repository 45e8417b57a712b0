#include "tools/film/driver.h"

#include <fmt/format.h>

#include <algorithm>

#include "cdsr/cdsr.h"
#include "model/error.h"
#include "tools/film/process.h"

namespace cdsr::film {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

/// FFmpeg's command line, made piece by piece.
class Command {
 public:
  explicit Command(const Job& job) : words_(words_of("-hide_banner -nostdin -nostats -v error -y")) {
    words_.insert(words_.begin(), job.ffmpeg);
  }
  /// Options without a space in them, as one would type them.
  Command& options(const std::string& text) { return append(words_of(text)); }
  Command& append(const Words& more) {
    words_.insert(words_.end(), more.begin(), more.end());
    return *this;
  }
  const Words& words() const { return words_; }

 private:
  Words words_;
};

/// The filter with the job's options and one pass. FFmpeg runs in the job's folder, so that no name needs
/// quotes.
std::string filter(const Job& job, int pass, const std::string& stats) {
  return fmt::format("cdsr={}{}pass={}:stats={}", job.options, job.options.empty() ? "" : ":", pass, stats);
}

void move_file(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) fail(Errc::Io, "{} to {}: {}", from.string(), to.string(), error.message());
}

void check_input(const Job& job) {
  std::error_code error;
  const auto bytes = fs::file_size(job.input, error);
  if (error) fail(Errc::Io, "{}: {}", job.input, error.message());
  if (static_cast<int64_t>(bytes) != job.bytes)
    fail(Errc::InvalidArgument, "{}: {} bytes, {} when the job began: another file", job.input, bytes,
         job.bytes);
  if (job.library != cdsr_version())
    fail(Errc::InvalidArgument, "libcdsr is of version {}, {} when the job began", cdsr_version(),
         job.library);
}

/// Upscales and encodes a piece; false when the frames that came are not the piece's. seek: jump to its
/// beginning, else decode all that lies before.
bool encode(const JobFolder& folder, const Job& job, const Plan& plan, size_t number, bool seek) {
  const Piece& piece = plan.pieces[number];
  const std::string name = fmt::format("piece-{:04}", number);
  Command command(job);
  std::string trim = fmt::format("trim=start_frame={}:end_frame={}", piece.first, piece.first + piece.count);
  if (seek) {
    if (piece.first > 0) command.options(fmt::format("-ss {:.6f}", seek_time(plan.frames, piece.first)));
    trim = fmt::format("trim=end_frame={}", piece.count);
  }
  const std::string graph =
      fmt::format("[0:v:0]{},setpts=PTS-STARTPTS,split[a][b];[a]{}[o]", trim, filter(job, 2, name + ".json"));
  // Frames as they come, none repeated and none dropped.
  command.append({"-i", job.input, "-filter_complex", graph}).options("-map [o] -fps_mode passthrough");
  command.append(job.encoder).append({name + ".tmp.mkv"});
  command.options("-map [b] -fps_mode passthrough -f framecrc").append({name + ".crc"});
  const int status = wait_for(start(command.words(), folder.path(), folder.piece(number, "log")));
  const FrameList came =
      status == 0 ? parse_framecrc(read_text(folder.piece(number, "crc")), name + ".crc") : FrameList{};
  if (!are_frames_of(came, plan.frames, piece) && seek && piece.first > 0) return false;
  if (status != 0)
    fail(Errc::Io, "piece {}: {} ended with {}: {}", number, job.ffmpeg, status,
         tail(folder.piece(number, "log")));
  return are_frames_of(came, plan.frames, piece);
}

/// Frames in an encoded piece.
int64_t packets(const JobFolder& folder, const Job& job, size_t number) {
  const fs::path list = folder.piece(number, "packets");
  Command command(job);
  command.options(fmt::format("-i piece-{:04}.tmp.mkv -map 0:v:0 -c copy -f framecrc", number));
  command.append({list.filename().string()});
  run(command.words(), folder.path(), folder.piece(number, "log"), fmt::format("piece {}", number));
  const auto count = static_cast<int64_t>(parse_framecrc(read_text(list), list.string()).marks.size());
  fs::remove(list);
  return count;
}

}  // namespace

void analyse(const JobFolder& folder, const Job& job) {
  if (fs::exists(folder.film()) && fs::exists(folder.frames())) return;
  check_input(job);
  const fs::path frames = folder.path() / "frames.tmp";
  const std::string graph = fmt::format("[0:v:0]split[a][b];[a]{}[o]", filter(job, 1, "film.json"));
  Command command(job);
  command.append({"-i", job.input, "-filter_complex", graph});
  command.options(
      "-map [o] -fps_mode passthrough -f null - -map [b] -fps_mode passthrough -f framecrc frames.tmp");
  run(command.words(), folder.path(), folder.path() / "frames.log", "first pass");
  move_file(frames, folder.frames());
}

Plan read_plan(const JobFolder& folder, const Job& job) {
  Plan plan;
  plan.film = read_film(folder.film());
  plan.frames = parse_framecrc(read_text(folder.frames()), folder.frames().string());
  if (static_cast<int64_t>(plan.frames.marks.size()) != plan.film.frames) {
    fail(Errc::InvalidArgument, "{} is of {} frames, {} of {}: not of the same film", folder.film().string(),
         plan.film.frames, folder.frames().string(), plan.frames.marks.size());
  }
  plan.pieces = plan_pieces(plan.film, job.longest);
  return plan;
}

void make_piece(const JobFolder& folder, const Job& job, const Plan& plan, size_t number) {
  if (number >= plan.pieces.size())
    fail(Errc::InvalidArgument, "piece {}: the film has 0..{}", number, plan.pieces.size() - 1);
  const Piece& piece = plan.pieces[number];
  if (folder.done(number, piece, plan.film)) return;
  check_input(job);
  write_film(folder.piece(number, "json"), cut_film(plan.film, piece.first, piece.count));
  // Some containers cannot be entered exactly: then all that lies before is decoded too.
  if (!encode(folder, job, plan, number, true) && !encode(folder, job, plan, number, false)) {
    fail(Errc::Io, "piece {}: frames {}..{} are not decoded as in the first pass", number, piece.first,
         piece.first + piece.count - 1);
  }
  const int64_t count = packets(folder, job, number);
  if (count != piece.count)
    fail(Errc::Io, "piece {}: {} of {} frames were written to {}: is the disk full?", number, count,
         piece.count, folder.piece(number, "tmp.mkv").string());
  const fs::path file = folder.piece(number, "mkv");
  move_file(folder.piece(number, "tmp.mkv"), file);
  folder.write_done(number, {piece, static_cast<int64_t>(fs::file_size(file)), file_hash(file),
                             film_hash(plan.film, piece)});
  fs::remove(folder.piece(number, "crc"));
}

void join(const JobFolder& folder, const Job& job, const Plan& plan, const fs::path& out) {
  std::string list = "ffconcat version 1.0\n";
  for (size_t i = 0; i < plan.pieces.size(); ++i)
    list += fmt::format("file piece-{:04}.mkv\nduration {:.6f}\n", i, duration(plan.frames, plan.pieces[i]));
  write_text(folder.path() / "pieces.ffconcat", list);
  fs::path part = fs::absolute(out);
  part.replace_filename(".part-" + out.filename().string());
  // The first frame keeps its time among sound and subtitles.
  const double begins = plan.frames.seconds(plan.frames.marks.front().pts);
  Command command(job);
  command.options(fmt::format("-itsoffset {:.6f} -f concat -i pieces.ffconcat", begins))
      .append({"-i", job.input});
  command.options("-map 0:v:0 -map 1 -map -1:v:0 -map -1:d? -map_metadata 1 -map_chapters 1 -c copy");
  command.append({part.string()});
  run(command.words(), folder.path(), folder.path() / "join.log", "joining the pieces");
  move_file(part, fs::absolute(out));
}

std::string library_version() { return cdsr_version(); }

fs::path this_program() { return fs::read_symlink("/proc/self/exe"); }

std::string find_ffmpeg(const std::string& given) {
  // It is started in other folders than this one; a name without a slash is looked for in the search path.
  if (given.find('/') != std::string::npos) return fs::absolute(given).string();
  if (!given.empty()) return given;
  const fs::path folder = this_program().parent_path();
  for (const fs::path& beside : {folder / "ffmpeg", folder / "../ffmpeg/bin/ffmpeg"})
    if (fs::exists(beside) && !fs::is_directory(beside)) return fs::canonical(beside).string();
  return "ffmpeg";
}

}  // namespace cdsr::film
