#include "model/cuda/dense_fp8.h"

#include "model/error.h"

namespace cdsr::cuda {
namespace {

const CdsrConfig& checked(const CdsrConfig& c) {
  if (c.body != Body::Rrdb)
    fail(Errc::Unsupported, "precision fp8 is for dense blocks, {} has none: use fp16", c.name);
  if (c.nf % kChunk<Fp8> != 0 || c.gc % kChunk<Fp8> != 0)
    fail(Errc::Unsupported,
         "precision fp8 needs nf and gc to be multiples of {}, they are {} and {}: use fp16", kChunk<Fp8>,
         c.nf, c.gc);
  return c;
}

}  // namespace

DenseFp8::DenseFp8(const std::shared_ptr<Context>& context, const std::shared_ptr<const Network>& network)
    : channels_(checked(network->config).nf), growth_(network->config.gc), pitch_(channels_ + 4 * growth_) {
  weights_ = dense_weights_fp8(context, network);
  load_conv_kernels<Fp8>();
  load_fp8_kernels();
  scales_.buffers = static_cast<int>(weights_->blocks.size());
  scales_.rows = weights_->rows;
  scales_.descale = weights_->descale;
  const size_t buffers = weights_->blocks.size(), factors = buffers * scales_.rows;
  memory_ = DeviceBuffer(sizeof(float) * (factors + (kScaleStride + 1) * buffers));
  scales_.factor = memory_.as<float>();
  scales_.scale = scales_.factor + factors;
  scales_.most = scales_.scale + kScaleStride * buffers;
  set_scales(true, nullptr);  // factors that are finite, until a picture is measured
  set_scales(false, nullptr);
  check(cudaStreamSynchronize(nullptr), "the scales of fp8");
}

void DenseFp8::quantize(int block, const __half* in, int64_t pixels, Fp8* buffer, int* not_held,
                        cudaStream_t stream) const {
  QuantizeArgs<__half, Fp8> a;
  a.in = in;
  a.channels = channels_;
  a.pixels = pixels;
  a.out = buffer;
  a.out_pitch = pitch_;
  a.scale = scales_.scale + ptrdiff_t{kScaleStride} * block;
  a.not_held = not_held;
  launch_quantize(a, stream);
}

ConvArgs<Fp8> DenseFp8::layer(int block, int layer, int width, int height, Fp8* buffer) const {
  Fp8* const out = layer < 4 ? buffer + channels_ + ptrdiff_t{layer} * growth_ : nullptr;
  ConvArgs<Fp8> a = conv_args(weights(block, layer), width, height, buffer, pitch_, out, pitch_);
  a.factor = scales_.factor + static_cast<ptrdiff_t>(block) * scales_.rows + weights_->first[layer];
  if (layer < 4) {
    a.slope = kDenseSlope;
    a.out_scale = scales_.scale + ptrdiff_t{kScaleStride} * block;
  }
  return a;
}

void DenseFp8::set_scales(bool known, cudaStream_t stream) const {
  const size_t bytes = sizeof(float) * kScaleStride * scales_.buffers;
  check(cudaMemsetAsync(scales_.scale, 0, bytes, stream), "forgetting the scales of fp8");
  check(cudaMemsetAsync(scales_.most, 0, sizeof(float) * scales_.buffers, stream),
        "forgetting the ranges of fp8");
  if (known) take_scales(stream);
}

}  // namespace cdsr::cuda
