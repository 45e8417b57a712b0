// Codes outside the legal range, super-whites and sub-blacks, go around the network: what of them lies
// outside is interpolated and added to what the network makes of the rest.
#pragma once

#include "filter/color/frame_source.h"
#include "filter/color/row_resampler.h"

namespace cdsr {

/// The excess of one component for a stretch of output columns, row after row. Lives on the stack.
class Excess {
 public:
  /// For output columns [x, x + n) of the component's grid, n <= kTile.
  Excess(const FrameSource& source, const RowKernels& kernels, const BicubicTaps& across,
         const BicubicTaps& down, int component, int x, int n)
      : kernels_(kernels),
        quantizer_(code_layout(source.frame(), component, /*codes=*/false).quantizer),
        n_(n),
        rows_(kernels, across, down, source.frame().format->height_of(component, source.frame().height), x, n,
              Load{&source, &kernels, &quantizer_, component}) {}
  Excess(const Excess&) = delete;
  Excess& operator=(const Excess&) = delete;

  /// Codes of the n nominal values that the network gave for a row, the row's excess added. Cheapest in
  /// ascending order.
  void add(int row, const float* src, float* codes) {
    kernels_.add_excess(src, quantizer_, rows_.row(row)[0], n_, codes);
  }

 private:
  struct Load {
    const FrameSource* source;
    const RowKernels* kernels;
    const Quantizer* quantizer;
    int component;
    void operator()(int row, int x, int n, float* const dst[1]) const {
      float codes[kMaxColumns + 8];
      source->load(component, row, x, n, /*codes=*/true, codes);
      kernels->excess(codes, n, quantizer->low, quantizer->high, dst[0]);
    }
  };

  const RowKernels& kernels_;
  const Quantizer quantizer_;
  const int n_;
  RowResampler<1, Load> rows_;
};

}  // namespace cdsr
