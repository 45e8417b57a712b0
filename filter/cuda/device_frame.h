// Frames in a GPU's memory, as the colour kernels see them: plain data with every number resolved, passed to
// kernels by value.
#pragma once

#include <cstddef>
#include <cstdint>

#include "filter/color/color_spec.h"
#include "filter/color/resample.h"
#include "filter/format/pixel_format.h"

namespace cdsr {

/// A frame of any format of pixel_formats() with words of up to 16 bits. Pointers are device pointers;
/// strides are bytes and may be negative.
struct DeviceFrame {
  uint8_t* plane[4] = {};
  ptrdiff_t stride[4] = {};
  int width = 0, height = 0;
  ColorModel model = ColorModel::Yuv;
  int bits = 8, bytes = 1, log2_w = 0, log2_h = 0, colours = 3, alpha_bits = 0;
  bool big_endian = false;
  bool pads_luma = false;
  Component component[4] = {};
  MatrixCoefficients matrix;
  Quantizer luma, chroma, alpha;
  BicubicTaps across, down;  ///< chroma to luma size
};

/// An output frame and what the conversion to it needs.
struct DeviceOutput {
  DeviceFrame frame;
  int scale = 2;
  float strength = 1;           ///< 0: bicubic .. 1: the network
  bool bicubic_chroma = false;  ///< chroma interpolated from the input's
  BicubicTaps picture;          ///< bicubic, luma grid
  BicubicTaps chroma_picture_x, chroma_picture_y;
  Halver halve_x, halve_y;
};

}  // namespace cdsr
