#include "model/cpu/strip.h"

#include <bit>
#include <cstring>

namespace cdsr::cpu {

void Runner::Strip::run(const Piece& piece, int context) {
  piece_ = piece;
  for (size_t t = 0; t < job_.plan->tensors.size(); ++t)
    thread_.row_bytes[t] = runner_.row_bytes(job_.plan->tensors[t], piece.width);
  thread_.schedule.run(*job_.plan->segment, piece.y0, piece.y1, runner_.height_, job_.plan->chunk, context,
                       *this);
}

void Runner::Strip::start(int i, int begin, int) {
  const LocalPlan& plan = job_.plan->locals[i];
  if (plan.capacity == 0) return;
  Local& local = thread_.locals[i];
  local.base = thread_.arena.data() + plan.offset;
  local.low = begin;
  if (begin > 0) return;
  local.low = -1;  // the row of zeros above the frame
  clear(op(i), local.base);
}

void Runner::Strip::room(int i, int keep, int row, int count) {
  const LocalPlan& plan = job_.plan->locals[i];
  if (plan.capacity == 0) return;
  Local& local = thread_.locals[i];
  if (row + count + 1 - local.low <= plan.capacity) return;
  const int low = std::max(local.low, keep);
  const ptrdiff_t bytes = row_bytes(op(i).out);
  if (row + count + 1 - low > plan.capacity)
    fail(Errc::Internal, "a strip needs more rows than were planned");
  std::memmove(local.base, local.base + (low - local.low) * bytes, (row - low) * bytes);
  local.low = low;
}

std::byte* Runner::Strip::row_of(int tensor, int y) const {
  const int i = job_.plan->producer[tensor];
  if (i < 0 || job_.plan->locals[i].capacity == 0) return runner_.frame_row(job_.program, tensor, y);
  const Local& local = thread_.locals[i];
  return local.base + (y - local.low) * row_bytes(tensor);
}

void Runner::Strip::make(int i, int row, int count) {
  const Op& o = op(i);
  const OpPlan& plan = job_.plan->ops[i];
  {
    const auto kind = static_cast<size_t>(o.kind);
    const StageTimer timer(thread_.seconds[kind]);
    thread_.macs[kind] += o.macs * count * piece_.width;
    switch (o.kind) {
      case OpKind::Read:
        read(o, row, count);
        break;
      case OpKind::Head:
        head(o, row, count);
        break;
      case OpKind::Dqa:
        dqa(o, plan, row, count);
        break;
      case OpKind::Conv:
      case OpKind::Tail:
        conv(o, plan, row, count);
        break;
      case OpKind::Shuffle:
        shuffle(o, row, count);
        break;
      case OpKind::Write:
        write(o, row, count);
        break;
      case OpKind::Dense:
        fail(Errc::Internal, "a dense block among row ops");
    }
  }
  // The row of zeros below the frame: every local tensor has room for it.
  if (job_.plan->locals[i].capacity > 0 && row + count == runner_.height_)
    clear(o, row_of(o.out, runner_.height_));
  if (job_.sums && o.out == job_.plan->segment->ops.back().out)
    for (int y = row; y < row + count; ++y) runner_.sum_row(job_, y, row_of(o.out, y));
}

void Runner::Strip::clear(const Op& o, std::byte* row) const {
  std::memset(row, 0, row_bytes(o.out));
  if (runner_.int8_ == nullptr || job_.plan->tensors[o.out].kind != TensorPlan::Features) return;
  const size_t channels = runner_.options_.channels;
  for (int x = 0; x < piece_.width; ++x) std::memcpy(row + x * channels, o.quantized->zero(), channels);
}

void Runner::Strip::read(const Op& o, int row, int count) {
  const ptrdiff_t plane = picture_plane(piece_.width), count_of_planes = runner_.options_.planes;
  float* const first = reinterpret_cast<float*>(row_of(o.out, row)) + kPicturePad;
  float* planes[3] = {};
  for (int p = 0; p < count_of_planes; ++p) planes[p] = first + p * plane;
  if (job_.window_source != nullptr)
    job_.window_source->read_columns(row, count, piece_.left, piece_.width, planes, count_of_planes * plane);
  else
    job_.source->read(row, count, planes, count_of_planes * plane);
  // Zeros beside the rows, each time: other segments use the same memory.
  const int width = piece_.width;
  for (int i = 0; i < count_of_planes * count; ++i) {
    float* const line = first + i * plane;
    std::fill_n(line - kPicturePad, kPicturePad, 0.0F);
    std::fill_n(line + width, plane - kPicturePad - width, 0.0F);
  }
}

void Runner::Strip::head(const Op& o, int row, int count) {
  for (int y = row; y < row + count; ++y) {
    const float* rows[3];
    for (int k = 0; k < 3; ++k)
      rows[k] = reinterpret_cast<const float*>(row_of(o.in, y - 1 + k)) + kPicturePad;
    const QuantizedConv* const q = runner_.int8_ == nullptr ? nullptr : o.quantized;
    runner_.rows_->head(rows, runner_.options_.planes, picture_plane(piece_.width), piece_.width,
                        q == nullptr ? o.head_weights : q->head_weights(),
                        q == nullptr ? o.conv->bias() : q->bias(), o.slope,
                        q == nullptr ? nullptr : q->offset(), runner_.options_.channels, row_of(o.out, y));
  }
}

void Runner::Strip::dqa(const Op& o, const OpPlan& plan, int row, int count) {
  const DqaVectors& vectors = (*job_.dqas)[o.dqa];
  const size_t bytes = row_bytes(o.in);
  std::byte* const filtered = thread_.arena.data() + job_.plan->filtered_offset;
  for (int r = 0; r < count; ++r) {
    const void* rows[3];
    for (int k = 0; k < 3; ++k) rows[k] = row_of(o.in, row + r - 1 + k);
    runner_.rows_->dqa(rows, piece_.width, runner_.options_.channels, vectors.filter.as<float>(),
                       vectors.gate.as<float>(), o.slope, filtered + r * bytes, row_of(o.out, row + r));
  }
  convolve(o, plan, filtered, row_of(o.out, row), nullptr, bytes, count);
}

void Runner::Strip::conv(const Op& o, const OpPlan& plan, int row, int count) {
  if (plan.tail != nullptr)
    tail(o, plan, row, count);
  else if (plan.quantized != nullptr)
    int8(o, row, count);
  else if (plan.winograd != nullptr)
    winograd(o, plan, row, count);
  else
    convolve(o, plan, row_of(o.in, row - o.radius), row_of(o.out, row),
             o.aux < 0 ? nullptr : row_of(o.aux, row), row_bytes(o.in), count);
}

void Runner::Strip::tail(const Op& o, const OpPlan& plan, int row, int count) {
  for (int y = row; y < row + count; ++y) {
    const void* const rows[3] = {row_of(o.in, y - 1), row_of(o.in, y), row_of(o.in, y + 1)};
    runner_.rows_->tail(rows, piece_.width, o.conv->in(), plan.tail, o.conv->bias(), o.conv->out(),
                        reinterpret_cast<float*>(row_of(o.out, y)));
  }
}

void Runner::Strip::winograd(const Op& o, const OpPlan& plan, int row, int count) {
  const auto floats = [this](int tensor, int y) { return reinterpret_cast<float*>(row_of(tensor, y)); };
  WinogradRows r;
  r.width = piece_.width;
  r.in = o.conv->in();
  r.out = plan.outputs;
  r.stride = o.conv->out();
  r.weights = plan.winograd;
  r.bias = o.conv->bias();
  r.slope = o.slope;
  r.activate_sum = o.activate_sum;
  r.scratch = reinterpret_cast<float*>(thread_.arena.data() + job_.plan->winograd_offset);
  // Pairs start at even rows of the frame, wherever the strip does: a row's bits depend on its place in the
  // pair.
  for (int y = row / 2 * 2; y < row + count; y += 2) {
    for (int k = 0; k < 2; ++k) {
      const bool wanted = y + k >= row && y + k < row + count;
      r.dst[k] = wanted ? floats(o.out, y + k) : nullptr;
      r.add[k] = wanted && o.aux >= 0 ? floats(o.aux, y + k) : nullptr;
    }
    r.src[0] = r.dst[0] == nullptr ? nullptr : floats(o.in, y - 1);
    r.src[1] = floats(o.in, y);
    r.src[2] = floats(o.in, y + 1);
    r.src[3] = r.dst[1] == nullptr ? nullptr : floats(o.in, y + 2);
    runner_.winograd_->rows(r);
  }
}

void Runner::Strip::int8(const Op& o, int row, int count) {
  const auto bytes = [this](int tensor, int y) { return reinterpret_cast<uint8_t*>(row_of(tensor, y)); };
  const QuantizedConv& q = *o.quantized;
  Int8Row r;
  r.beside = q.beside();
  r.width = piece_.width;
  r.in = o.conv->in();
  r.out = o.conv->out();
  r.weights = q.weights();
  r.factor = q.factor();
  r.bias = q.bias();
  r.add_factor = q.add_factor();
  r.offset = q.offset();
  r.slope = o.slope;
  for (int y = row; y < row + count; ++y) {
    for (int k = 0; k < 3; ++k) r.src[k] = bytes(o.in, y - 1 + k);
    r.dst = row_of(o.out, y);
    r.add = o.aux < 0 ? nullptr : bytes(o.aux, y);
    (q.is_tail() ? runner_.int8_->tail : runner_.int8_->row)(r);
  }
}

void Runner::Strip::convolve(const Op& o, const OpPlan& plan, const std::byte* src, std::byte* dst,
                             const std::byte* operand, size_t src_bytes, int count) {
  const size_t dst_bytes = row_bytes(o.out);
  for (int r = 0; r < count;) {
    const unsigned rows = std::bit_floor(static_cast<unsigned>(count - r));
    const int log = std::countr_zero(rows);
    thread_.convs->run(plan.kernel[piece_.level][log], src + r * src_bytes, plan.weights[piece_.level][log],
                       o.conv->bias(), dst + r * dst_bytes,
                       operand == nullptr ? nullptr : operand + r * dst_bytes);
    r += static_cast<int>(rows);
  }
}

void Runner::Strip::shuffle(const Op& o, int row, int count) {
  const int plane = picture_plane(piece_.width), last = runner_.height_ - 1;
  const int out_plane = picture_plane(piece_.width * runner_.options_.scale);
  float* const temp = reinterpret_cast<float*>(thread_.arena.data() + job_.plan->temp_offset);
  for (int y = row; y < row + count; ++y) {
    const float* picture[5] = {};
    if (o.aux >= 0)
      for (int k = 0; k < 5; ++k)
        picture[k] =
            reinterpret_cast<const float*>(row_of(o.aux, std::clamp(y - 2 + k, 0, last))) + kPicturePad;
    runner_.kernels_->shuffle(reinterpret_cast<const float*>(row_of(o.in, y)), runner_.options_.tail_channels,
                              piece_.width, runner_.taps_, picture, plane,
                              reinterpret_cast<float*>(row_of(o.out, y)), out_plane, temp);
  }
}

void Runner::Strip::write(const Op& o, int row, int count) {
  const int scale = runner_.options_.scale;
  const ptrdiff_t plane = picture_plane(piece_.width * scale), count_of_planes = runner_.options_.planes;
  const float* const first = reinterpret_cast<const float*>(row_of(o.in, row));
  const float* planes[3] = {};
  for (int p = 0; p < count_of_planes; ++p) planes[p] = first + p * plane - piece_.left * scale;
  if (job_.window_sink != nullptr)
    job_.window_sink->write_columns(row * scale, count * scale, piece_.x * scale, piece_.n * scale, planes,
                                    count_of_planes * plane);
  else
    job_.sink->write(row * scale, count * scale, planes, count_of_planes * plane);
}

}  // namespace cdsr::cpu
