#include "tools/bench/conv_rate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <oneapi/dnnl/dnnl.hpp>
#include <unordered_map>
#include <vector>

#include "model/error.h"
#include "tools/bench/report.h"

extern "C" void omp_set_num_threads(int threads);  // libgomp's, which libdnnl uses

namespace cdsr::tools {
namespace {

using dnnl::memory;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Candidate {
 public:
  Candidate(int channels, int width, int height, Precision precision, memory::format_tag tag)
      : engine_(dnnl::engine::kind::cpu, 0), stream_(engine_) {
    const auto type = precision == Precision::Bf16 ? memory::data_type::bf16 : memory::data_type::f32;
    const memory::desc map({1, channels, height, width}, type, tag);
    const memory::desc weights({channels, channels, 3, 3}, type, memory::format_tag::any);
    const memory::desc bias({channels}, memory::data_type::f32, memory::format_tag::x);
    dnnl::post_ops post;
    post.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0.1F, 0);
    dnnl::primitive_attr attr;
    attr.set_post_ops(post);
    const dnnl::convolution_forward::primitive_desc desc({dnnl::prop_kind::forward_inference,
                                                          dnnl::algorithm::convolution_direct,
                                                          map,
                                                          weights,
                                                          bias,
                                                          map,
                                                          {1, 1},
                                                          {1, 1},
                                                          {1, 1}},
                                                         attr, engine_);
    name_ = desc.impl_info_str();
    primitive_ = dnnl::convolution_forward(desc);
    for (auto [id, md] : {std::pair{DNNL_ARG_SRC, map},
                          {DNNL_ARG_WEIGHTS, desc.weights_desc()},
                          {DNNL_ARG_BIAS, bias},
                          {DNNL_ARG_DST, map}}) {
      memory m(md, engine_);
      std::memset(m.get_data_handle(), 0, md.get_size());
      args_.emplace(id, m);
    }
  }

  double run() {
    const double start = now();
    primitive_.execute(stream_, args_);
    stream_.wait();
    return now() - start;
  }
  const std::string& name() const { return name_; }

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::convolution_forward primitive_;
  std::unordered_map<int, memory> args_;
  std::string name_;
};

}  // namespace

struct ConvRate::Impl {
  std::unique_ptr<Candidate> best;
  std::string layout;
  int channels, width, height;
  std::vector<double> times;
};

ConvRate::ConvRate(int channels, int width, int height, Precision precision, int threads)
    : impl_(std::make_unique<Impl>()) {
  omp_set_num_threads(threads);
  impl_->channels = channels;
  impl_->width = width;
  impl_->height = height;
  double least = 0;
  using Tag = memory::format_tag;
  for (auto [tag, name] :
       {std::pair{Tag::nhwc, "nhwc"}, {Tag::nChw16c, "nChw16c"}, {Tag::nChw8c, "nChw8c"}}) {
    try {
      auto candidate = std::make_unique<Candidate>(channels, width, height, precision, tag);
      if (candidate->name().find("ref") != std::string::npos) continue;
      std::vector<double> times;
      for (int i = 0; i < 5; ++i) times.push_back(candidate->run());
      const double time = *std::min_element(times.begin(), times.end());
      if (impl_->best && time >= least) continue;
      least = time;
      impl_->best = std::move(candidate);
      impl_->layout = name;
    } catch (const dnnl::error&) {
      continue;  // not for this processor or precision
    }
  }
  if (!impl_->best) fail(Errc::Unsupported, "oneDNN has no {} convolution here", to_string(precision));
}

ConvRate::~ConvRate() = default;

void ConvRate::sample(double seconds) {
  const double end = now() + seconds;
  do impl_->times.push_back(impl_->best->run());
  while (now() < end);
}

double ConvRate::macs_per_second() const {
  const double pixels = static_cast<double>(impl_->width) * impl_->height;
  return 9.0 * impl_->channels * impl_->channels * pixels / median(impl_->times);
}

std::string ConvRate::label() const {
  return fmt::format("{0}->{0} 3x3 on {1}x{2}, {3}, {4}", impl_->channels, impl_->width, impl_->height,
                     impl_->layout, impl_->best->name());
}

}  // namespace cdsr::tools
