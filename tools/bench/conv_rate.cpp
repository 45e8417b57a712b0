#include "tools/bench/conv_rate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "model/error.h"
#include "model/onednn.h"
#include "tools/bench/report.h"

extern "C" void omp_set_num_threads(int threads);  // libgomp's, which libdnnl uses

namespace cdsr::tools {
namespace {

using dnnl::memory;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double thread_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
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
    onednn::append_eltwise(post, dnnl::algorithm::eltwise_relu, 0.1F);
    dnnl::primitive_attr attr;
    attr.set_post_ops(post);
    const memory::dims one = {1, 1};
    const auto desc = onednn::describe<dnnl::convolution_forward>(
        engine_, attr, dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, map, weights,
        bias, map, one, one, one);
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
  std::vector<std::unique_ptr<Candidate>> copies;  ///< one a thread
  std::string layout;
  int channels, width, height;
  std::vector<double> rates, processor_rates;

  double macs() const { return 9.0 * channels * channels * width * height; }

  /// Calls work(thread) on every thread, each telling oneDNN to use it alone.
  template <typename Work>
  void on_threads(size_t count, Work work) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < count; ++i)
      threads.emplace_back([i, &work] {
        omp_set_num_threads(1);
        work(i);
      });
    for (std::thread& t : threads) t.join();
  }
};

ConvRate::ConvRate(int channels, int width, int height, Precision precision, int threads)
    : impl_(std::make_unique<Impl>()) {
  impl_->channels = channels;
  impl_->width = width;
  impl_->height = height;
  impl_->copies.resize(threads);
  double least = 0;
  using Tag = memory::format_tag;
  for (const auto& layout :
       {std::pair{Tag::nhwc, "nhwc"}, {Tag::nChw16c, "nChw16c"}, {Tag::nChw8c, "nChw8c"}}) {
    const Tag tag = layout.first;
    std::unique_ptr<Candidate> candidate;
    double time = 0;
    impl_->on_threads(1, [&](size_t) {
      try {
        candidate = std::make_unique<Candidate>(channels, width, height, precision, tag);
        if (candidate->name().find("ref") != std::string::npos) {
          candidate.reset();  // its plain loops would take minutes
          return;
        }
        time = candidate->run();
        for (int i = 0; i < 4; ++i) time = std::min(time, candidate->run());
      } catch (const dnnl::error&) {
        candidate.reset();  // not for this processor or precision
      }
    });
    if (!candidate) continue;
    if (!impl_->layout.empty() && time >= least) continue;
    least = time;
    impl_->layout = layout.second;
    impl_->copies[0] = std::move(candidate);
    impl_->on_threads(threads, [&](size_t i) {
      if (i > 0) impl_->copies[i] = std::make_unique<Candidate>(channels, width, height, precision, tag);
    });
  }
  if (impl_->layout.empty())
    fail(Errc::Unsupported, "oneDNN has no {} convolution here", to_string(precision));
}

ConvRate::~ConvRate() = default;

void ConvRate::sample(double seconds) {
  std::mutex mutex;
  double rate = 0, runs = 0, processor = 0;
  impl_->on_threads(impl_->copies.size(), [&](size_t i) {
    const double start = now(), used = thread_seconds();
    double count = 0;
    do {
      impl_->copies[i]->run();
      ++count;
    } while (now() < start + seconds);
    const std::lock_guard lock(mutex);
    rate += count * impl_->macs() / (now() - start);
    runs += count;
    processor += thread_seconds() - used;
  });
  impl_->rates.push_back(rate);
  impl_->processor_rates.push_back(runs * impl_->macs() / processor);
}

double ConvRate::macs_per_second() const { return median(impl_->rates); }
double ConvRate::macs_per_processor_second() const { return median(impl_->processor_rates); }

std::string ConvRate::label() const {
  return fmt::format("{0}->{0} 3x3 on {1}x{2}, {3}, {4}", impl_->channels, impl_->width, impl_->height,
                     impl_->layout, impl_->copies[0]->name());
}

}  // namespace cdsr::tools
