// The command `cdsr eval`: the paper's protocol over folders of pictures. Nine kernels an image, PSNR and
// SSIM on Y.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>

#include "model/error.h"
#include "tools/commands/commands.h"
#include "tools/degrade/degrade.h"
#include "tools/degrade/kernel.h"
#include "tools/media/metrics.h"
#include "tools/media/picture_list.h"
#include "tools/media/resize.h"
#include "tools/media/upscaler.h"

namespace cdsr::tools {
namespace {

namespace fs = std::filesystem;
using degrade::Alignment;
using degrade::KernelSpec;

struct Arguments {
  std::string model, protocol = "aligned", embedding = "picture";
  std::vector<fs::path> data, lr;
  fs::path json;
  int scale = 2;
  int images = 0;
  double noise = 0;
  EngineArguments engine;
};

/// What turns a low-resolution picture into one of scale x size.
class Method {
 public:
  explicit Method(const Arguments& a) : scale_(a.scale), source_(source_of(a.embedding)) {
    if (a.model != "bicubic" && a.model != "lanczos") {
      upscaler_ = std::make_unique<Upscaler>(a.model, a.scale, a.engine);
      return;
    }
    filter_ = a.model == "bicubic" ? Filter::Bicubic : Filter::Lanczos;
    // An interpolation is told where the protocol put the pixels; a network has learned it.
    offset_ = (a.protocol == "paper" ? -1 : 1) * (a.scale - 1) / 2.0;
  }

  Picture operator()(const Picture& lr) {
    const std::vector<float> sr =
        upscaler_ ? (*upscaler_)(lr, source_) : enlarge(lr, scale_, filter_, offset_);
    return degrade::quantize(lr.width * scale_, lr.height * scale_, sr);
  }

  nlohmann::ordered_json description() const {
    if (!upscaler_) return nlohmann::ordered_json::object();
    return {{"config", nlohmann::ordered_json::parse(to_json(upscaler_->network().config))},
            {"backend", upscaler_->info().backend},
            {"precision", to_string(upscaler_->info().precision)},
            {"query", to_string(upscaler_->query())}};
  }

 private:
  static EmbeddingSource source_of(const std::string& text) {
    return text == "zero" ? EmbeddingSource::Zero : EmbeddingSource::Picture;
  }

  int scale_;
  EmbeddingSource source_;
  std::unique_ptr<Upscaler> upscaler_;
  Filter filter_ = Filter::Bicubic;
  double offset_ = 0;
};

struct Score {
  double psnr = 0, ssim = 0;

  void add(const Score& other, double weight) {
    psnr += weight * other.psnr;
    ssim += weight * other.ssim;
  }
};

struct DatasetScore {
  std::string name;
  size_t images = 0;
  std::vector<Score> kernels;  ///< mean over the images, in paper_kernels()' order; empty for given LR files
  Score mean;                  ///< over images and kernels
};

std::vector<fs::path> pictures_in(const fs::path& folder, int limit) {
  std::vector<fs::path> paths = picture_paths({folder});
  if (limit > 0 && paths.size() > static_cast<size_t>(limit)) paths.resize(static_cast<size_t>(limit));
  return paths;
}

std::string text(const KernelSpec& k) {
  return fmt::format("{:g} {:g} {}", k.sig1, k.sig2, k.theta == 0 ? "0" : "pi/4");
}

/// One line that is overwritten, on a terminal alone.
void progress(const std::string& line) {
  static const bool terminal = isatty(STDERR_FILENO) != 0;
  if (terminal) fmt::print(stderr, "\r\x1b[K{}", line);
}

DatasetScore score(const fs::path& folder, const Arguments& a, Method& method) {
  const std::vector<KernelSpec> specs = degrade::paper_kernels(a.scale);
  const Alignment alignment = a.protocol == "paper" ? Alignment::Paper : Alignment::Aligned;
  std::vector<std::vector<float>> kernels;
  kernels.reserve(specs.size());
  for (const KernelSpec& k : specs)
    kernels.push_back(degrade::gaussian_kernel(a.scale, k.sig1, k.sig2, k.theta, alignment));

  const std::vector<fs::path> paths = pictures_in(folder, a.images);
  DatasetScore out{
      (folder / "").parent_path().filename().string(), paths.size(), std::vector<Score>(specs.size()), {}};
  for (size_t i = 0; i < paths.size(); ++i) {
    const Picture hr = degrade::crop_to_multiple(read_picture(paths[i]), a.scale);
    for (size_t k = 0; k < kernels.size(); ++k) {
      progress(fmt::format("{}: picture {} of {}, kernel {} of {}", out.name, i + 1, paths.size(), k + 1,
                           kernels.size()));
      const Picture lr = degrade::degrade(hr, kernels[k], a.scale, a.noise, i * kernels.size() + k);
      const Picture sr = method(lr);
      const Score s{psnr_y(sr, hr, a.scale), ssim_y(sr, hr, a.scale)};
      out.kernels[k].add(s, 1.0 / static_cast<double>(paths.size()));
    }
  }
  progress("");
  for (const Score& s : out.kernels) out.mean.add(s, 1.0 / static_cast<double>(out.kernels.size()));
  return out;
}

/// Scores against low-resolution files that somebody else made: same names, whatever the ending.
DatasetScore score_files(const fs::path& hr_folder, const fs::path& lr_folder, const Arguments& a,
                         Method& method) {
  const std::vector<fs::path> paths = pictures_in(hr_folder, a.images);
  std::map<std::string, fs::path> low;
  for (const fs::path& path : picture_paths({lr_folder})) low[path.stem().string()] = path;
  DatasetScore out{(lr_folder / "").parent_path().filename().string(), paths.size(), {}, {}};
  for (size_t i = 0; i < paths.size(); ++i) {
    progress(fmt::format("{}: picture {} of {}", out.name, i + 1, paths.size()));
    const auto found = low.find(paths[i].stem().string());
    if (found == low.end())
      fail(Errc::InvalidArgument, "{}: no picture named '{}' for {}", lr_folder.string(),
           paths[i].stem().string(), paths[i].string());
    const Picture hr = degrade::crop_to_multiple(read_picture(paths[i]), a.scale),
                  lr = read_picture(found->second);
    if (lr.width * a.scale != hr.width || lr.height * a.scale != hr.height)
      fail(Errc::InvalidArgument, "{}: {} x {}, must be {} x {}: {} at scale {}", found->second.string(),
           lr.width, lr.height, hr.width / a.scale, hr.height / a.scale, paths[i].string(), a.scale);
    const Picture sr = method(lr);
    out.mean.add({psnr_y(sr, hr, a.scale), ssim_y(sr, hr, a.scale)}, 1.0 / static_cast<double>(paths.size()));
  }
  progress("");
  return out;
}

/// Kernels down, folders across.
void print_table(const std::vector<DatasetScore>& scores, int scale) {
  fmt::print("{:<16}", "sig1 sig2 theta");
  for (const DatasetScore& d : scores) fmt::print("  {:>16}", fmt::format("{} ({})", d.name, d.images));
  fmt::print("\n");
  const std::vector<KernelSpec> specs = degrade::paper_kernels(scale);
  const auto row = [&](const std::string& label, auto&& pick) {
    fmt::print("{:<16}", label);
    for (const DatasetScore& d : scores) {
      const Score& s = pick(d);
      fmt::print("  {:>16}", fmt::format("{:.2f} / {:.4f}", s.psnr, s.ssim));
    }
    fmt::print("\n");
  };
  for (size_t k = 0; k < scores.front().kernels.size(); ++k)
    row(text(specs[k]), [k](const DatasetScore& d) -> const Score& { return d.kernels[k]; });
  row("mean", [](const DatasetScore& d) -> const Score& { return d.mean; });
}

void write_json(const Arguments& a, const Method& method, const std::vector<DatasetScore>& scores,
                double seconds) {
  nlohmann::ordered_json j = {{"model", a.model},
                              {"scale", a.scale},
                              {"protocol", a.protocol},
                              {"noise", a.noise},
                              {"embedding", a.embedding},
                              {"given", !a.lr.empty()},
                              {"engine", method.description()},
                              {"seconds", seconds}};
  const std::vector<KernelSpec> specs = degrade::paper_kernels(a.scale);
  for (const DatasetScore& d : scores) {
    nlohmann::ordered_json kernels = nlohmann::ordered_json::array();
    for (size_t k = 0; k < d.kernels.size(); ++k)
      kernels.push_back({{"sig1", specs[k].sig1},
                         {"sig2", specs[k].sig2},
                         {"theta", specs[k].theta},
                         {"psnr", d.kernels[k].psnr},
                         {"ssim", d.kernels[k].ssim}});
    j["datasets"].push_back({{"name", d.name},
                             {"images", d.images},
                             {"psnr", d.mean.psnr},
                             {"ssim", d.mean.ssim},
                             {"kernels", std::move(kernels)}});
  }
  std::ofstream out(a.json);
  out << j.dump(2) << '\n';
  out.close();
  if (!out) fail(Errc::Io, "{}: cannot write: {}", a.json.string(), std::strerror(errno));
}

void run(const Arguments& a) {
  const auto start = std::chrono::steady_clock::now();
  Method method(a);
  std::vector<DatasetScore> scores;
  if (!a.lr.empty() && a.lr.size() != a.data.size())
    fail(Errc::InvalidArgument, "{} folders for --lr and {} for --data: must be as many", a.lr.size(),
         a.data.size());
  for (size_t i = 0; i < a.data.size(); ++i)
    scores.push_back(a.lr.empty() ? score(a.data[i], a, method) : score_files(a.data[i], a.lr[i], a, method));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::string what =
      a.lr.empty() ? fmt::format("protocol {}, noise {:g}", a.protocol, a.noise) : "given pictures";
  fmt::print("{}, x{}, {}{}: PSNR in dB / SSIM on Y, {:.1f} s\n", a.model, a.scale, what,
             a.embedding == "zero" ? ", embedding zero" : "", seconds);
  print_table(scores, a.scale);
  if (!a.json.empty()) write_json(a, method, scores, seconds);
}

}  // namespace

void add_eval(CLI::App& app) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c =
      app.add_subcommand("eval", "Score a model by the paper's protocol: nine blur kernels, PSNR and SSIM");
  c->add_option("--model", a->model, "a released model's name, a .safetensors file, bicubic or lanczos")
      ->required();
  c->add_option("--data", a->data, "folders of full-size pictures")->required();
  c->add_option(
      "--lr", a->lr,
      "folders of low-resolution pictures of the same names, one for each of --data: instead of blurring "
      "(see `cdsr degrade`)");
  c->add_option("--scale", a->scale, "2, 3 or 4")->check(CLI::Range(2, 4))->capture_default_str();
  c->add_option("--protocol", a->protocol,
                "aligned (pixels where upscalers put them) or paper (its shifted kernels)")
      ->check(CLI::IsMember({"aligned", "paper"}))
      ->capture_default_str();
  c->add_option("--noise", a->noise, "standard deviation of the noise on 0..255; the paper has 15 at x4")
      ->check(CLI::Range(0.0, 255.0))
      ->capture_default_str();
  c->add_option("--embedding", a->embedding, "picture: its own; zero: none, to see what knowing it is worth")
      ->check(CLI::IsMember({"picture", "zero"}))
      ->capture_default_str();
  c->add_option("--images", a->images, "only the first N pictures of each folder, 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  c->add_option("--json", a->json, "write the scores to this file too");
  add_engine_options(*c, a->engine);
  c->callback([a] { run(*a); });
}

}  // namespace cdsr::tools
