// The commands `cdsr film` and `cdsr piece`: a whole film, in pieces, on as many processes or machines as
// there are.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include "model/error.h"
#include "tools/commands/commands.h"
#include "tools/film/driver.h"
#include "tools/film/engines.h"
#include "tools/film/process.h"

namespace cdsr::tools {
namespace {

namespace fs = std::filesystem;
using film::Job;
using film::JobFolder;
using film::Plan;

struct Arguments {
  fs::path in, out, folder;
  std::string ffmpeg, options, encoder = "-c:v libx264 -crf 16", engine = "here", hosts = ":", slurm;
  int64_t longest = 500;
  int jobs = 1;
  bool analyse_only = false;
};

/// As a value in a filtergraph: escaped for the option, then for the graph.
std::string escaped(const std::string& value) {
  std::string option, graph;
  for (const char c : value) option += (std::strchr("\\':", c) != nullptr ? "\\" : "") + std::string(1, c);
  for (const char c : option) graph += (std::strchr("\\'[],;", c) != nullptr ? "\\" : "") + std::string(1, c);
  return graph;
}

/// The filter's options with files by their whole names: FFmpeg runs in the job's folder.
std::string with_whole_names(const std::string& options) {
  std::string out;
  for (size_t at = 0; at < options.size();) {
    const size_t end = std::min(options.find(':', at), options.size());
    const size_t equals = options.find('=', at), value = equals < end ? equals + 1 : at;
    const std::string key = options.substr(at, value - at), text = options.substr(value, end - value);
    const bool file = (key == "model=" || key == "shot_file=") && fs::is_regular_file(text);
    out += key + (file ? escaped(fs::absolute(text).string()) : text) + (end < options.size() ? ":" : "");
    at = end + 1;
  }
  return out;
}

Job job_of(const Arguments& a) {
  std::error_code error;
  const auto bytes = fs::file_size(a.in, error);
  if (error) fail(Errc::Io, "{}: {}", a.in.string(), error.message());
  return {fs::canonical(a.in).string(),
          static_cast<int64_t>(bytes),
          film::library_version(),
          film::find_ffmpeg(a.ffmpeg),
          with_whole_names(a.options),
          film::words_of(a.encoder),
          a.longest};
}

/// A line on the terminal that is written over: how far, how fast, how long yet.
class Progress {
 public:
  Progress(int64_t all, int64_t done) : all_(all), before_(done), done_(done) {}
  void add(int64_t frames) {
    done_ += frames;
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const double rate = static_cast<double>(done_ - before_) / seconds;
    const auto left = static_cast<int64_t>(static_cast<double>(all_ - done_) / rate);
    fmt::print(stderr, "\r{} of {} frames, {:.1f} %, {:.2f} fps, {}:{:02}:{:02} left   ", done_, all_,
               100.0 * static_cast<double>(done_) / static_cast<double>(all_), rate, left / 3600,
               left / 60 % 60, left % 60);
    if (done_ == all_) fmt::print(stderr, "\n");
    std::fflush(stderr);
  }

 private:
  using Clock = std::chrono::steady_clock;
  const int64_t all_, before_;
  int64_t done_;
  const Clock::time_point start_ = Clock::now();
};

std::vector<size_t> to_be_made(const JobFolder& folder, const Plan& plan) {
  std::vector<size_t> numbers;
  for (size_t i = 0; i < plan.pieces.size(); ++i)
    if (!folder.done(i, plan.pieces[i], plan.film)) numbers.push_back(i);
  return numbers;
}

/// `jobs` pieces at a time. The first that fails ends it, once the others are through.
void make_pieces(const JobFolder& folder, const Job& job, const Plan& plan,
                 const std::vector<size_t>& numbers, int jobs) {
  int64_t left = 0;
  for (const size_t n : numbers) left += plan.pieces[n].count;
  Progress progress(plan.film.frames, plan.film.frames - left);
  std::mutex mutex;  // for all that follows
  size_t next = 0;
  std::string failure;
  const auto work = [&] {
    std::unique_lock lock(mutex);
    while (next < numbers.size() && failure.empty()) {
      const size_t number = numbers[next++];
      lock.unlock();
      std::string complaint;
      try {
        film::make_piece(folder, job, plan, number);
      } catch (const std::exception& e) {
        complaint = e.what();
      }
      lock.lock();
      if (complaint.empty())
        progress.add(plan.pieces[number].count);
      else if (failure.empty())
        failure = complaint;
    }
  };
  {
    std::vector<std::jthread> others;
    for (size_t i = 1; i < std::min(numbers.size(), static_cast<size_t>(jobs)); ++i)
      others.emplace_back(work);
    work();
  }
  if (!failure.empty())
    fail(Errc::Io, "{}\nWhat is done stays in {}: the same command goes on from there", failure,
         folder.path().string());
}

void run_film(const Arguments& a) {
  const Job job = job_of(a);
  const JobFolder folder(a.folder.empty() ? fs::path(a.out.string() + ".film") : a.folder);
  folder.open(job);
  film::analyse(folder, job);
  const Plan plan = film::read_plan(folder, job);
  if (a.analyse_only) {
    fmt::print("{}: {} frames, {} shots, {} pieces\n", folder.film().string(), plan.film.frames,
               plan.film.shots.size(), plan.pieces.size());
    return;
  }
  const std::vector<size_t> numbers = to_be_made(folder, plan);
  if (a.engine == "sh" && !numbers.empty()) {
    for (const size_t n : numbers) fmt::print("{}\n", film::piece_line(folder, std::to_string(n)));
    return;
  }
  if (a.engine == "here") make_pieces(folder, job, plan, numbers, a.jobs);
  if (a.engine == "parallel" && !numbers.empty()) film::run_parallel(folder, numbers, a.jobs, a.hosts);
  if (a.engine == "slurm" && !numbers.empty()) film::run_slurm(folder, numbers, a.jobs, a.slurm);
  film::join(folder, job, plan, a.out);
  fmt::print("{}: {} frames in {} pieces\n", a.out.string(), plan.film.frames, plan.pieces.size());
}

}  // namespace

void add_film(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c =
      app.add_subcommand("film", "Upscale a whole film in pieces; goes on where it was interrupted");
  c->add_option("IN", a->in, "the film; its first video stream is upscaled, all else is carried over")
      ->required();
  c->add_option("OUT", a->out, "where to; its name says which container")->required();
  c->add_option("--options", a->options, "of the filter, as in FFmpeg: scale=2:model=cdsr-rt");
  c->add_option("--encode", a->encoder, "FFmpeg's options for the video")->capture_default_str();
  c->add_option("--ffmpeg", a->ffmpeg,
                "an FFmpeg with the filter (default: beside this program, or in PATH)");
  c->add_option("--folder", a->folder,
                "of the pieces and their journal (default: OUT.film); stays afterwards");
  c->add_option("--longest", a->longest, "frames of a piece, at most")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  c->add_option("--jobs", a->jobs, "pieces at a time; of parallel on each host")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  c->add_option(
       "--engine", a->engine,
       "what makes the pieces: here, parallel (GNU parallel), slurm (a job array), or sh: print a command "
       "for each that is to be made")
      ->check(CLI::IsMember({"here", "parallel", "slurm", "sh"}))
      ->capture_default_str();
  c->add_option("--hosts", a->hosts, "for parallel: where, as its --sshlogin; they see the same folders")
      ->capture_default_str();
  c->add_option("--slurm", a->slurm, "for slurm: sbatch's options, \"--partition=cpu --time=60\"");
  c->add_flag("--analyse", a->analyse_only,
              "the first pass alone, so that film.json can be looked at and edited");
  c->callback([a] { run_film(*a); });
}

void add_piece(CLI::App& app) {
  struct Given {
    fs::path folder;
    size_t number = 0;
  };
  auto a = std::make_shared<Given>();
  CLI::App* c = app.add_subcommand("piece", "Make one piece of a film that `cdsr film` has begun");
  c->add_option("FOLDER", a->folder, "of the film's pieces")->required();
  c->add_option("NUMBER", a->number, "of the piece, from 0")->required();
  c->callback([a] {
    const JobFolder folder(a->folder);
    const Job job = folder.job();
    film::make_piece(folder, job, film::read_plan(folder, job), a->number);
  });
}

}  // namespace cdsr::tools
