// Residual dense blocks on strips: the strip's rows and five more where it was cut, all channels in one
// blocked buffer whose prefixes are the convolutions' inputs. Each convolution pads the buffer's first and
// last row with zeros, which is right at the frame's border and spoils one row more per convolution at a cut:
// after five, what is left is exactly the strip.
#include <cstring>

#include "model/cpu/isa.h"
#include "model/cpu/strip.h"

namespace cdsr::cpu {
namespace {

constexpr int kHalo = 5;

struct DenseRange {
  int y0, y1;  ///< the strip
  int b0, b1;  ///< rows in the buffer
};

DenseRange range_of(int strip, int strips, int height) {
  DenseRange r{};
  r.y0 = strip_begin(strip, strips, height);
  r.y1 = strip_begin(strip + 1, strips, height);
  r.b0 = std::max(0, r.y0 - kHalo);
  r.b1 = std::min(height, r.y1 + kHalo);
  return r;
}

}  // namespace

void Runner::plan_dense(const Program& program, int rows, SegmentPlan& plan) const {
  plan.strips = std::max(1, (height_ + rows / 2) / rows);
  plan.producer.assign(program.tensors.size(), -1);
  int most = 0;
  for (int i = 0; i < plan.strips; ++i) {
    const DenseRange r = range_of(i, plan.strips, height_);
    const int height = r.b1 - r.b0;
    most = std::max(most, height);
    const auto same = [height](const DensePlan& d) { return d.rows == height; };
    if (std::none_of(plan.dense.begin(), plan.dense.end(), same)) plan.dense.push_back({height, {}});
  }
  const size_t joined = options_.channels + 4 * options_.growth;
  const size_t part = std::max(options_.channels, options_.growth);  // a convolution's result
  const size_t channels =
      dense_layout() == Layout::Blocked ? joined + options_.channels : 2 * joined + part + options_.channels;
  plan.arena = static_cast<size_t>(most) * width_ * channels * size_of(options_.type);
}

RowRange Runner::dense_strips(int strips, RowRange rows) const {
  const auto at = [&](int y) { return static_cast<int>(static_cast<int64_t>(y) * strips / height_); };
  int first = at(rows.begin), last = at(rows.end - 1);
  while (first > 0 && strip_begin(first, strips, height_) > rows.begin) --first;
  while (strip_begin(first + 1, strips, height_) <= rows.begin) ++first;
  while (last > first && strip_begin(last, strips, height_) >= rows.end) --last;
  while (last + 1 < strips && strip_begin(last + 1, strips, height_) < rows.end) ++last;
  return {first, last + 1};
}

Layout Runner::dense_layout() const {
  return has_amx() && options_.type == Type::Bf16 ? Layout::Rows : Layout::Blocked;
}

void Runner::make_dense_convolutions(SegmentPlan& plan) {
  const PackedDense& dense = *plan.segment->ops.front().dense;
  for (DensePlan& d : plan.dense)
    for (int k = 0; k < 5; ++k) {
      ConvShape shape;
      shape.in = dense.conv[k]->in();
      shape.out = dense.conv[k]->out();
      shape.kernel = 3;
      shape.pad_rows = true;
      shape.layout = dense_layout();
      shape.src = shape.dst = options_.type;
      shape.post = k < 4 ? Post::Activate : Post::ScaleAdd;
      shape.slope = k < 4 ? kDenseSlope : kResidualScale;
      const int kernel = convs_->add(shape, width_, d.rows);
      d.convs.kernel[0][k] = kernel;
      d.convs.weights[0][k] = dense.conv[k]->weights((*convs_)[kernel].desc().weights_desc());
    }
}

void Runner::run_dense(Thread& thread, const Job& job, int strip) {
  const SegmentPlan& plan = *job.plan;
  const Op& op = plan.segment->ops.front();
  const auto kind = static_cast<size_t>(op.kind);
  const StageTimer timer(thread.seconds[kind]);
  DenseRange r = range_of(strip, plan.strips, height_);
  const int rows = r.b1 - r.b0;
  // Of a strip that lies partly outside of the band, what is there; the band does not depend on the rest.
  const int first = std::max(r.b0, job.rows.begin - kHalo), end = std::min(r.b1, job.rows.end + kHalo);
  r.y0 = std::max(r.y0, job.rows.begin);
  r.y1 = std::min(r.y1, job.rows.end);
  const auto d =
      std::find_if(plan.dense.begin(), plan.dense.end(), [&](const auto& p) { return p.rows == rows; });
  thread.macs[kind] += op.macs * rows * width_;
  const std::byte* const in = frame_row(job.program, op.in, first);
  const bool blocked = dense_layout() == Layout::Blocked;
  const RowRange given = {first - r.b0, end - r.b0};
  const std::byte* const out = blocked ? dense_blocked(thread, op, d->convs, in, given, rows)
                                       : dense_rows(thread, op, d->convs, in, given, rows);

  // As rows, the result is one block of all channels.
  const int block = blocked ? block_channels() : options_.channels;
  const ptrdiff_t distance = static_cast<ptrdiff_t>(rows) * width_ * block;
  const size_t row = static_cast<size_t>(width_) * block * size_of(options_.type);
  const float scale = op.aux < 0 ? 1.0F : kResidualScale;
  for (int y = r.y0; y < r.y1; ++y)
    rows_->unpack(out + (y - r.b0) * row, width_, options_.channels, block, distance, scale,
                  op.aux < 0 ? nullptr : frame_row(job.program, op.aux, y),
                  frame_row(job.program, op.out, y));
  if (job.sums)
    for (int y = r.y0; y < r.y1; ++y) sum_row(job, y, frame_row(job.program, op.out, y));
}

const std::byte* Runner::dense_blocked(Thread& thread, const Op& op, const OpPlan& convs, const std::byte* in,
                                       RowRange given, int rows) const {
  // Values from one block of channels to the next, and bytes of one channel.
  const int block = block_channels();
  const ptrdiff_t distance = static_cast<ptrdiff_t>(rows) * width_ * block;
  const size_t channel = static_cast<size_t>(rows) * width_ * size_of(options_.type);
  const size_t row = static_cast<size_t>(width_) * size_of(options_.type);
  std::byte* const all = thread.arena.data();
  for (int y = given.begin; y < given.end; ++y)
    rows_->pack(in + (y - given.begin) * row * options_.channels, width_, options_.channels, block, distance,
                all + y * row * block);
  std::byte* out = all + options_.channels * channel;
  for (int k = 0; k < 5; ++k) {
    thread.convs->run(convs.kernel[0][k], all, convs.weights[0][k], op.dense->conv[k]->bias(), out, all);
    if (k < 4) out += options_.growth * channel;
  }
  return out;
}

const std::byte* Runner::dense_rows(Thread& thread, const Op& op, const OpPlan& convs, const std::byte* in,
                                    RowRange given, int rows) const {
  const size_t pixels = static_cast<size_t>(rows) * width_;
  const size_t channel = pixels * size_of(options_.type);
  std::byte* const joined[2] = {thread.arena.data(),
                                thread.arena.data() + (options_.channels + 4 * options_.growth) * channel};
  std::byte* const part = joined[1] + (options_.channels + 4 * options_.growth) * channel;  // also the result
  if (given.size() < rows) {
    const size_t row = options_.channels * width_ * size_of(options_.type);
    std::byte* const all = part + std::max(options_.channels, options_.growth) * channel;
    std::memcpy(all + given.begin * row, in, given.size() * row);
    in = all;
  }
  const std::byte* from = in;
  for (int k = 0; k < 5; ++k) {
    thread.convs->run(convs.kernel[0][k], from, convs.weights[0][k], op.dense->conv[k]->bias(), part, in);
    if (k == 4) break;
    const size_t had = op.dense->conv[k]->in() * size_of(options_.type),
                 more = options_.growth * size_of(options_.type);
    std::byte* to = joined[k % 2];
    for (size_t i = 0; i < pixels; ++i) {
      std::memcpy(to, from + i * had, had);
      std::memcpy(to + had, part + i * more, more);
      to += had + more;
    }
    from = joined[k % 2];
  }
  return part;
}

}  // namespace cdsr::cpu
