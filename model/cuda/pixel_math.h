// The kernels around the convolutions, one value at a time: means, dynamic filters, pixel shuffle, the
// encoder's layers.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "model/cuda/conv_tile.h"
#include "model/normalize_window.h"

namespace cdsr::cuda {

// -------------------------------------------------------------------------------------------------- noise

/// Value i of a fixed noise in [-0.5, 0.5): zeros would be multiplied faster than features are.
CDSR_HD float noise_value(uint32_t i) {
  i = (i ^ i >> 16) * 0x7feb352dU;
  i = (i ^ i >> 15) * 0x846ca68bU;
  i ^= i >> 16;
  return static_cast<float>(i >> 8) * (1.0F / (1 << 24)) - 0.5F;
}

// -------------------------------------------------------------------------------------------------- means

/// Sum of every `step`-th of `count` rows of partial sums, from row `first`: in a fixed order.
CDSR_HD float fold(const float* partials, int count, int channels, int channel, int first, int step) {
  float sum = 0;
  for (int i = first; i < count; i += step) sum += partials[static_cast<ptrdiff_t>(i) * channels + channel];
  return sum;
}

// ---------------------------------------------------------------------------------------- dynamic filters

/// y = W x + b with W as [in][out]; bias may be null.
CDSR_HD float linear_value(const float* weights, const float* bias, const float* x, int in, int out, int o) {
  float sum = bias != nullptr ? bias[o] : 0.0F;
  for (int i = 0; i < in; ++i) sum += weights[static_cast<ptrdiff_t>(i) * out + o] * x[i];
  return sum;
}

/// sum over j of softmax_j(q k_j) v_j, of one row of the attention. The largest score is q times the largest
/// or the smallest key, so it needs no pass of its own.
CDSR_HD float attention_value(float q, const float* key, const float* value, float lowest_key,
                              float highest_key, int count) {
  const float a = q * lowest_key, b = q * highest_key, top = a > b ? a : b;
  float sum = 0, weighted = 0;
  for (int j = 0; j < count; ++j) {
#if defined(__CUDA_ARCH__)
    const float e = expf(q * key[j] - top);
#else
    const float e = std::exp(q * key[j] - top);
#endif
    sum += e;
    weighted += e * value[j];
  }
  return weighted / sum;
}

/// What a DQA's vector kernel reads and writes; device pointers in kernels.
struct DqaArgs {
  int nf = 0, channels = 0;  ///< real and padded
  float gamma = 0;
  const float *query_weight = nullptr, *query_bias = nullptr;  ///< [nf][nf] transposed, [nf]
  const float *kernel0 = nullptr, *kernel1 = nullptr;          ///< [nf][nf], [nf][9 nf], transposed
  const float *key = nullptr, *value = nullptr, *y = nullptr;  ///< of the shot
  const float* mean = nullptr;                                 ///< given means (a shot's query), or
  const float* partials = nullptr;                             ///< partial sums to make them from
  int partial_count = 0, partial_channels = 0;
  float pixels = 1;           ///< the mean's divisor
  float* mean_out = nullptr;  ///< nf, or null
  float* filter = nullptr;    ///< [9][channels]
};

/// Memory the phases share.
struct DqaMemoryFloats {
  float a[256], b[256];
  float low, high;
};

/// The phases of the vector kernel; a barrier after each. Threads 0 to threads - 1 all call all of them.
CDSR_HD void dqa_mean(const DqaArgs& d, DqaMemoryFloats& m, int thread, int threads) {
  for (int c = thread; c < d.nf; c += threads) {
    m.a[c] = d.mean != nullptr ? d.mean[c]
                               : fold(d.partials, d.partial_count, d.partial_channels, c, 0, 1) / d.pixels;
    if (d.mean_out != nullptr) d.mean_out[c] = m.a[c];
  }
  if (thread == 0) {
    m.low = m.high = d.key[0];
    for (int j = 1; j < d.nf; ++j) {
      m.low = d.key[j] < m.low ? d.key[j] : m.low;
      m.high = d.key[j] > m.high ? d.key[j] : m.high;
    }
  }
}
CDSR_HD void dqa_attention(const DqaArgs& d, DqaMemoryFloats& m, int thread, int threads) {
  for (int i = thread; i < d.nf; i += threads) {
    const float q = linear_value(d.query_weight, d.query_bias, m.a, d.nf, d.nf, i);
    m.b[i] = d.gamma * attention_value(q, d.key, d.value, m.low, m.high, d.nf) + d.y[i];
  }
}
CDSR_HD void dqa_hidden(const DqaArgs& d, DqaMemoryFloats& m, float slope, int thread, int threads) {
  for (int i = thread; i < d.nf; i += threads)
    m.a[i] = leaky(linear_value(d.kernel0, nullptr, m.b, d.nf, d.nf, i), slope);
}
CDSR_HD void dqa_filter(const DqaArgs& d, const DqaMemoryFloats& m, int thread, int threads) {
  for (int i = thread; i < 9 * d.nf; i += threads)
    d.filter[i % 9 * d.channels + i / 9] = linear_value(d.kernel1, nullptr, m.a, d.nf, 9 * d.nf, i);
}

// ----------------------------------------------------------------------------------------- expert weights

/// Value i of what is mixed from `experts` sets of `count` values.
CDSR_HD float mixed(const float* sets, const float* share, int experts, int64_t count, int64_t i) {
  float sum = 0;
  for (int k = 0; k < experts; ++k) sum += share[k] * sets[k * count + i];
  return sum;
}

// ------------------------------------------------------------------------------------------- last layer

/// The values of the last layer, [pixel][pitch] floats, as a picture `scale` times as large.
CDSR_HD float shuffled(const float* values, int pitch, int width, int scale, int p, int x, int y) {
  const ptrdiff_t at = (static_cast<ptrdiff_t>(y / scale) * width + x / scale) * pitch;
  const ptrdiff_t channel = (p * scale + y % scale) * scale + x % scale;
  return values[at + channel];
}

// ---------------------------------------------------------------------------------------------- encoder

/// Sums that normalizing a window needs (model/normalize_window.h), over some of its pixels.
struct WindowSums {
  double value = 0, across = 0, down = 0;
};

/// Of every `threads`-th pixel of a [y][x][channels] window, from pixel `thread`.
CDSR_HD WindowSums window_sums(const float* window, int width, int height, int channels, int thread,
                               int threads) {
  WindowSums s;
  for (int i = thread; i < width * height; i += threads)
    for (int c = 0; c < channels; ++c) {
      const double value = window[i * channels + c];
      s.value += value;
      if (i % width > 0) {
        const double d = value - window[(i - 1) * channels + c];
        s.across += d * d;
      }
      if (i >= width) {
        const double d = value - window[(i - width) * channels + c];
        s.down += d * d;
      }
    }
  return s;
}

/// Normalizes those pixels, given the sums over all.
CDSR_HD void normalize_pixels(float* window, int width, int height, int channels, const WindowSums& all,
                              int thread, int threads) {
  const double n = channels;
  const double mean = all.value / (n * width * height);
  const double across = width > 1 ? all.across / (n * (width - 1) * height) : all.across;
  const double down = height > 1 ? all.down / (n * width * (height - 1)) : all.down;
  const double gain = kNormalizedContrast / std::sqrt(across + down + kNormalizedFloor);
  for (int i = thread; i < width * height; i += threads)
    for (int c = 0; c < channels; ++c) {
      float& value = window[i * channels + c];
      value = static_cast<float>((value - mean) * gain);
    }
}

/// A convolution of the encoder on floats: windows of width x height pixels of `in` channels, one after the
/// other.
struct EncoderArgs {
  const float* in = nullptr;
  const float* weights = nullptr;  ///< [ky][kx][in][out]
  const float* bias = nullptr;
  float* out = nullptr;
  int width = 0, height = 0, channels = 0;
  int out_width = 0, out_height = 0, out_channels = 0;
  int kernel = 1, stride = 1, padding = 0;
  int windows = 1;
  float slope = 0.1F;
};

inline constexpr int kEncoderPixels = 4;  ///< of a row, that a thread makes

/// Outputs (o) of kEncoderPixels pixels of a row, from column x.
CDSR_HD void encoder_values(const EncoderArgs& e, int window, int x, int y, int o, float* sums) {
  for (int i = 0; i < kEncoderPixels; ++i) sums[i] = e.bias[o];
  const float* const picture = e.in + static_cast<ptrdiff_t>(window) * e.width * e.height * e.channels;
  for (int ky = 0; ky < e.kernel; ++ky) {
    const int yy = y * e.stride - e.padding + ky;
    if (yy < 0 || yy >= e.height) continue;
    for (int kx = 0; kx < e.kernel; ++kx) {
      const float* const w =
          e.weights + static_cast<ptrdiff_t>(ky * e.kernel + kx) * e.channels * e.out_channels + o;
      for (int i = 0; i < kEncoderPixels; ++i) {
        const int xx = (x + i) * e.stride - e.padding + kx;
        if (xx < 0 || xx >= e.width || x + i >= e.out_width) continue;
        const float* const from = picture + (static_cast<ptrdiff_t>(yy) * e.width + xx) * e.channels;
        for (int c = 0; c < e.channels; ++c)
          sums[i] += from[c] * w[static_cast<ptrdiff_t>(c) * e.out_channels];
      }
    }
  }
  for (int i = 0; i < kEncoderPixels; ++i) sums[i] = leaky(sums[i], e.slope);
}

}  // namespace cdsr::cuda
