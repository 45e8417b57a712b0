#include "tools/lab/analyzed_network.h"

#include "model/error.h"
#include "model/torch/cdsr.h"
#include "model/weights.h"
#include "tools/media/luma.h"

namespace cdsr::analyze {
namespace {

torch::Tensor to_tensor(const tools::Picture& p, Colour colour) {
  if (colour == Colour::Luma) {
    std::vector<float> luma = tools::luma_plane(p);
    return torch::from_blob(luma.data(), {1, 1, p.height, p.width}).clone();
  }
  // from_blob wants a mutable pointer; the conversion copies.
  auto* data = const_cast<uint8_t*>(p.rgb.data());
  return torch::from_blob(data, {p.height, p.width, 3}, torch::kByte)
             .permute({2, 0, 1})
             .unsqueeze(0)
             .to(torch::kFloat)
             .contiguous() /
         255;
}

torch::Tensor row(std::span<const float> values) {
  auto* data = const_cast<float*>(values.data());
  return torch::from_blob(data, {1, static_cast<int64_t>(values.size())}).clone();
}

std::vector<float> to_vector(const torch::Tensor& t) {
  const torch::Tensor c = t.contiguous();
  return {c.data_ptr<float>(), c.data_ptr<float>() + c.numel()};
}

}  // namespace

struct AnalyzedNetwork::Net {
  explicit Net(const WeightsFile& file) : model(nn::make_model(file)) {
    nn::load_state(model, file);
    model->eval();
  }

  nn::Cdsr model;
};

AnalyzedNetwork::AnalyzedNetwork(const std::filesystem::path& file, int threads) {
  if (threads > 0) at::set_num_threads(threads);
  net_ = std::make_unique<Net>(WeightsFile::open(file));
}
AnalyzedNetwork::~AnalyzedNetwork() = default;

const CdsrConfig& AnalyzedNetwork::config() const { return net_->model->config; }

std::string AnalyzedNetwork::variant() const { return to_string(net_->model->variant); }

int64_t AnalyzedNetwork::parameters() const { return nn::parameter_count(net_->model); }

bool AnalyzedNetwork::has_codebook() const {
  return net_->model->encoder->csc && net_->model->encoder->csc->codebook.defined();
}

std::vector<float> AnalyzedNetwork::embed(const tools::Picture& lr) const {
  const torch::NoGradGuard no_grad;
  return to_vector(net_->model->encoder->embed(to_tensor(lr, config().colour)));
}

std::vector<float> AnalyzedNetwork::upscale(const tools::Picture& lr,
                                            std::span<const float> embedding) const {
  const torch::NoGradGuard no_grad;
  const torch::Tensor sr = net_->model->sr(to_tensor(lr, config().colour), row(embedding),
                                           [](int, const torch::Tensor& mean) { return mean; });
  if (config().colour == Colour::Luma) return tools::with_luma(lr, config().scale, to_vector(sr));
  return to_vector(sr.squeeze(0).permute({1, 2, 0}) * 255);
}

double AnalyzedNetwork::attention_entropy(const tools::Picture& lr) const {
  const torch::NoGradGuard no_grad;
  if (!has_codebook()) fail(Errc::InvalidArgument, "a network without a codebook has no attention over it");
  const auto p = net_->model->encoder->logits(to_tensor(lr, config().colour)).to(torch::kDouble).softmax(1);
  return -(p * (p + 1e-300).log()).sum().item<double>();
}

std::vector<std::vector<float>> AnalyzedNetwork::conditioning(std::span<const float> embedding) const {
  const torch::NoGradGuard no_grad;
  std::vector<std::vector<float>> out;
  for (const torch::Tensor& y : net_->model->sr->conditioning(row(embedding))) out.push_back(to_vector(y));
  return out;
}

}  // namespace cdsr::analyze
