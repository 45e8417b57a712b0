#include "model/cuda/conv_shape.h"

#include <fmt/core.h>

namespace cdsr::cuda {

std::string ConvGraphShape::text() const {
  return fmt::format("{}{} {}x{} {}/{}->{}/{}{} slope {:g} scale {:g} first {} {:g} second {} {:g}",
                     fp8    ? "fp8"
                     : bf16 ? "bf16"
                            : "fp16",
                     fp8 && !fp8_out ? " to fp16" : "", width, height, in, in_pitch, out, out_pitch,
                     float_out ? " float" : "", slope, scale, first_pitch, first_scale, second_pitch,
                     second_scale);
}

std::vector<std::pair<ConvTensor, const void*>> ConvCall::bindings() const {
  std::vector<std::pair<ConvTensor, const void*>> all = {
      {ConvTensor::In, in}, {ConvTensor::Weights, weights}, {ConvTensor::Bias, bias}, {ConvTensor::Out, out}};
  if (shape.scale != 1) all.emplace_back(ConvTensor::Scale, &shape.scale);
  if (shape.first_pitch > 0) {
    all.emplace_back(ConvTensor::First, first);
    if (shape.first_scale != 1) all.emplace_back(ConvTensor::FirstScale, &shape.first_scale);
  }
  if (shape.fp8) all.emplace_back(ConvTensor::Factor, factor);
  if (shape.fp8_out) all.emplace_back(ConvTensor::OutScale, out_scale);
  if (shape.second_pitch > 0) all.emplace_back(ConvTensor::Second, second);
  return all;
}

}  // namespace cdsr::cuda
