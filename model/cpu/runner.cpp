#include "model/cpu/runner.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <set>

#include "model/bicubic.h"
#include "model/cpu/isa.h"
#include "model/cpu/strip.h"

namespace cdsr::cpu {

int strip_count(int rows, int threads, int radius) {
  const int least = std::max(1, (rows + kMostStripRows - 1) / kMostStripRows);
  const int most = std::max(least, rows / kLeastStripRows);
  const auto slowest = [&](int strips) {
    return (strips + threads - 1) / threads * ((rows + strips - 1) / strips + (strips > 1 ? radius : 0));
  };
  int best = least;
  for (int strips = least + 1; strips <= most; ++strips)
    if (slowest(strips) < slowest(best)) best = strips;
  return best;
}

namespace {

/// A narrower window gains nothing over its margins.
constexpr int kLeastWindow = 48;

}  // namespace

DqaVectors make_dqa_vectors(int nf) {
  const size_t channels = padded_channels(nf);
  return {Buffer(9 * channels * sizeof(float)), Buffer(channels * sizeof(float))};
}

void store_gate(std::span<const float> gate, DqaVectors& vectors) {
  std::copy(gate.begin(), gate.end(), vectors.gate.as<float>());
}

void store_filter(std::span<const float> filter, DqaVectors& vectors) {
  const int nf = static_cast<int>(filter.size() / 9), channels = padded_channels(nf);
  auto* const to = vectors.filter.as<float>();
  for (int c = 0; c < nf; ++c)
    for (int t = 0; t < 9; ++t) to[t * channels + c] = filter[9 * c + t];
}

Runner::Runner(ThreadPool& pool, const RunnerOptions& options)
    : pool_(pool),
      options_(options),
      rows_(&kernels(kernel_isa()).rows[static_cast<size_t>(options.type)]),
      kernels_(&kernels(kernel_isa())),
      winograd_(&winograd(kernel_isa())),
      int8_(options.type == Type::U8 ? int8_kernels(vnni()) : nullptr) {
  taps_.scale = options.scale;
  taps_.skip = options.skip;
  taps_.planes = options.planes;
  for (int p = 0; p < options.scale; ++p) {
    const BicubicPhase phase = bicubic_phase(options.scale, p);
    taps_.first[p] = phase.first;
    std::copy_n(phase.weight, 4, taps_.weight[p]);
  }
}

Runner::~Runner() = default;

size_t Runner::row_bytes(const TensorPlan& tensor, int width) const {
  switch (tensor.kind) {
    case TensorPlan::Features:
      return static_cast<size_t>(width) * tensor.channels * size_of(options_.type);
    case TensorPlan::Picture:
      return options_.planes * sizeof(float) * picture_plane(width);
    case TensorPlan::Values:
      return static_cast<size_t>(width) * tensor.channels * sizeof(float);
    case TensorPlan::Enlarged:
      return options_.planes * sizeof(float) * options_.scale * picture_plane(width * options_.scale);
  }
  return 0;
}

void Runner::make_convolutions() {
  convs_ = std::make_unique<ConvSet>();
  for (auto& plans : segments_)
    for (SegmentPlan& plan : plans) {
      if (plan.dense.empty())
        make_row_convolutions(plan);
      else
        make_dense_convolutions(plan);
    }
}

bool Runner::by_tail(const Op& op) const {
  return op.kind == OpKind::Tail && rows_->tail_step > 0 && op.conv->outputs() <= kTailOutputs &&
         op.conv->in() <= kTailChannels && op.conv->in() % rows_->tail_step == 0;
}

bool Runner::by_winograd(const Op& op) const {
  return !by_tail(op) && (op.kind == OpKind::Conv || op.kind == OpKind::Tail) && options_.type == Type::F32 &&
         op.conv->kernel() == 3 && op.slope >= 0 && op.slope <= 1;
}

void Runner::make_row_convolutions(SegmentPlan& plan) {
  bool by_onednn = false;
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const Op& op = plan.segment->ops[i];
    if (op.kind != OpKind::Dqa && op.kind != OpKind::Conv && op.kind != OpKind::Tail) continue;
    if (by_tail(op)) {
      plan.ops[i].tail = op.conv->tail(options_.type, rows_->tail_step);
    } else if (int8_ != nullptr) {
      plan.ops[i].quantized = op.quantized;
    } else if (by_winograd(op)) {
      // A tensor of features is read with all its channels, padding too; of a tail's values none.
      plan.ops[i].outputs = op.kind == OpKind::Tail ? op.conv->outputs() : op.conv->out();
      plan.ops[i].winograd = op.conv->winograd(*winograd_, plan.ops[i].outputs);
    } else {
      by_onednn = true;
    }
  }
  if (!by_onednn) return;
  for (int level = 0; level < (wants_windows_ ? kWidths : 1); ++level) {
    // Winograd's tiles stay where they are in the frame.
    static constexpr int kEighths[kWidths] = {8, 6, 4, 3, 2, 1};
    const int width = width_ - (width_ - width_ * kEighths[level] / 8) / kWinogradColumns * kWinogradColumns;
    if (level > 0 && (width < kLeastWindow || width == plan.widths.back())) return;
    plan.widths.push_back(width);
    make_row_convolutions(plan, level);
  }
}

void Runner::make_row_convolutions(SegmentPlan& plan, int level) {
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const Op& op = plan.segment->ops[i];
    if (op.kind != OpKind::Dqa && op.kind != OpKind::Conv && op.kind != OpKind::Tail) continue;
    if (plan.ops[i].tail != nullptr || plan.ops[i].winograd != nullptr || plan.ops[i].quantized != nullptr)
      continue;
    ConvShape shape;
    shape.in = op.conv->in();
    shape.out = op.conv->out();
    shape.kernel = op.conv->kernel();
    shape.src = options_.type;
    shape.dst = op.kind == OpKind::Tail ? Type::F32 : options_.type;
    shape.slope = op.slope;
    if (op.kind == OpKind::Dqa)
      shape.post = Post::SumActivate;
    else if (op.activate_sum)
      shape.post = Post::AddActivate;
    else if (op.aux >= 0)
      shape.post = Post::Add;
    else if (op.slope != 1)
      shape.post = Post::Activate;
    for (int log = 0; 1 << log <= plan.chunk; ++log) {
      const int kernel = convs_->add(shape, plan.widths[level], 1 << log);
      plan.ops[i].kernel[level][log] = kernel;
      plan.ops[i].weights[level][log] = op.conv->weights((*convs_)[kernel].desc().weights_desc());
    }
  }
}

Reach Runner::reach_of(const Segment& segment, size_t tensors) const {
  // Columns that one sample of the picture, at each place in a tile, may change in every tensor.
  Reach most;
  for (int place = 0; place < kWinogradColumns; ++place) {
    constexpr int kFar = 1 << 16;  // no column is negative
    struct Span {
      int first = INT_MAX, last = INT_MIN, rows = 0;
      void join(const Span& other, int around, int rows_around) {
        if (other.first > other.last) return;
        first = std::min(first, other.first - around);
        last = std::max(last, other.last + around);
        rows = std::max(rows, other.rows + rows_around);
      }
    };
    const int at = kFar + place;
    std::vector<Span> spans(tensors);
    for (const Op& op : segment.ops) {
      Span out;
      if (op.kind == OpKind::Read) {
        out.first = out.last = at;
      } else if (by_winograd(op)) {
        // All samples of a tile go into all of its outputs, those beside it into the nearest alone.
        Span in = spans[op.in];
        in.first =
            in.first % kWinogradColumns == 0 ? in.first - 1 : in.first / kWinogradColumns * kWinogradColumns;
        in.last = in.last % kWinogradColumns == kWinogradColumns - 1
                      ? in.last + 1
                      : in.last / kWinogradColumns * kWinogradColumns + kWinogradColumns - 1;
        out.join(in, 0, op.radius);
      } else {
        out.join(spans[op.in], op.radius, op.radius);
      }
      if (op.aux >= 0) out.join(spans[op.aux], op.aux_radius, op.aux_radius);
      if (op.out >= 0) spans[op.out] = out;
      if (op.kind == OpKind::Write) {
        most.columns = std::max({most.columns, at - out.first, out.last - at});
        most.rows = std::max(most.rows, out.rows);
      }
    }
  }
  return most;
}

void Runner::cut_windows(const SegmentPlan& plan, std::span<const Window> windows, int margin) {
  const int columns = reach_.columns + margin;
  pieces_.clear();
  int64_t all = 0;
  for (const Window& w : windows) all += int64_t{w.width} * w.height;
  for (const Window& w : windows) {
    Piece piece;
    piece.x = w.x;
    piece.n = w.width;
    piece.left = std::max(0, w.x - columns) / kWinogradColumns * kWinogradColumns;
    const int right =
        std::min<int>(width_, static_cast<int>(round_up(w.x + w.width + columns, kWinogradColumns)));
    piece.width = right - piece.left;
    if (!plan.widths.empty()) {
      piece.level = 0;
      while (piece.level + 1 < static_cast<int>(plan.widths.size()) &&
             plan.widths[piece.level + 1] >= piece.width)
        ++piece.level;
      piece.width = plan.widths[piece.level];
      piece.left = std::min(piece.left, width_ - piece.width);
    }
    // As many cuts as the threads need to have something to do each.
    const int64_t share = (int64_t{w.width} * w.height * threads() + all - 1) / all;
    const int least = (w.height + kMostStripRows - 1) / kMostStripRows;
    int count = std::max<int>(
        least, std::min<int>(threads() == 1 ? 1 : static_cast<int>(share), w.height / kLeastStripRows));
    if (pieces_.size() + count + windows.size() > kMostPieces) count = least;
    for (int i = 0; i < count; ++i) {
      piece.y0 = w.y + strip_begin(i, count, w.height);
      piece.y1 = w.y + strip_begin(i + 1, count, w.height);
      pieces_.push_back(piece);
    }
  }
}

void Runner::run_windows(int program, const std::vector<DqaVectors>& dqas, const WindowSource& source,
                         WindowSink& sink, std::span<const Window> windows) {
  const SegmentPlan& plan = segments_[program].front();
  cut_windows(plan, windows, sink.margin());
  Job job;
  job.program = program;
  job.plan = &plan;
  job.dqas = &dqas;
  job.window_source = &source;
  job.window_sink = &sink;
  const int context = (sink.context() + options_.scale - 1) / options_.scale;
  pool_.run([&](int index) {
    if (index >= threads()) return;
    Strip strip(*this, *threads_[index], job);
    for (int i = job.next++; i < static_cast<int>(pieces_.size()); i = job.next++)
      strip.run(pieces_[i], context);
  });
}

void Runner::run(int program, int pass, const std::vector<DqaVectors>& dqas, const RowSource* source,
                 RowSink* sink) {
  const Bands& bands = bands_[program];
  Job job;
  job.program = program;
  job.dqas = &dqas;
  job.source = source;
  job.sink = sink;
  const int last = bands.last_segment(pass);
  const bool mean = segments_[program][last].segment->mean >= 0;
  std::fill(sums_.begin(), sums_.end(), 0.0);
  for (int band = 0; band < bands.count(); ++band) {
    move_frames(program, bands.first_row(pass, band));
    for (int s = bands.first_segment(pass); s <= last; ++s) {
      job.plan = &segments_[program][s];
      job.rows = bands.rows(pass, s, band);
      job.sums = mean && s == last;
      run_segment(job);
    }
    if (!mean) continue;
    // Row by row from the first on: the same value whoever made them, in whatever bands.
    for (int c = 0; c < options_.channels; ++c)
      for (int y = 0; y < job.rows.size(); ++y)
        sums_[c] += row_sums_[static_cast<size_t>(y) * options_.channels + c];
  }
  if (!mean) return;
  for (int c = 0; c < options_.channels; ++c)
    mean_[c] = static_cast<float>(sums_[c] / (static_cast<double>(width_) * height_));
}

void Runner::move_frames(int program, int first_row) {
  first_row_ = first_row;
  // Zeros below the frame, where a band before may have had rows. Nobody writes above the first.
  if (height_ - first_row > bands_[program].tensor_rows()) return;
  for (size_t t = 0; t < frame_of_[program].size(); ++t)
    if (frame_of_[program][t] >= 0)
      std::memset(frame_row(program, static_cast<int>(t), height_), 0, features_row());
}

void Runner::run_segment(Job& job) {
  const SegmentPlan& plan = *job.plan;
  const bool dense = !plan.dense.empty();
  RowRange strips{0, dense ? plan.strips : strip_count(job.rows.size(), threads(), plan.radius)};
  if (dense)  // cut as the frame is, wherever the band lies
    strips = dense_strips(plan.strips, job.rows);
  const int rows = job.sink == nullptr ? 0 : job.sink->context();
  const int context = (rows + options_.scale - 1) / options_.scale;
  job.next = strips.begin;
  pool_.run([&](int index) {
    if (index >= threads()) return;
    Thread& thread = *threads_[index];
    Strip strip(*this, thread, job);
    for (int i = job.next++; i < strips.end; i = job.next++) {
      if (dense) {
        run_dense(thread, job, i);
        continue;
      }
      const RowRange own = strip_of(job.rows, i, strips.end);
      strip.run({own.begin, own.end, 0, width_, 0, width_, 0}, context);
    }
  });
}

void Runner::list(std::vector<Implementation>& all) const {
  std::set<std::pair<int, int>> shapes;  // input and output channels
  for (const auto& plans : segments_)
    for (const SegmentPlan& plan : plans)
      for (size_t i = 0; i < plan.ops.size(); ++i)
        if (plan.ops[i].winograd != nullptr)
          shapes.emplace(plan.segment->ops[i].conv->in(), plan.ops[i].outputs);
  for (const auto& [in, out] : shapes)
    all.push_back(
        {fmt::format("{}->{} 3x3 fp32 {}x2", in, out, width_), fmt::format("winograd:{}", winograd_->name)});
  for (const auto& plans : segments_)
    for (const SegmentPlan& plan : plans)
      for (size_t i = 0; i < plan.ops.size(); ++i)
        if (plan.ops[i].tail != nullptr)
          all.push_back({fmt::format("{}->{} 3x3 {} {}x1", plan.segment->ops[i].conv->in(),
                                     plan.segment->ops[i].conv->outputs(), name_of(options_.type), width_),
                         fmt::format("tail:{}", kernels_->name)});
  shapes.clear();
  for (const auto& plans : segments_)
    for (const SegmentPlan& plan : plans)
      for (size_t i = 0; i < plan.ops.size(); ++i)
        if (const QuantizedConv* q = plan.ops[i].quantized; q != nullptr) {
          const PackedConv& conv = *plan.segment->ops[i].conv;
          shapes.emplace(conv.in(), q->is_tail() ? conv.outputs() : conv.out());
        }
  for (const auto& [in, out] : shapes)
    all.push_back(
        {fmt::format("{}->{} 3x3 int8 {}x1", in, out, width_), fmt::format("int8:{}", int8_->name)});
  convs_->list(all);
}

void Runner::sum_row(const Job& job, int y, const std::byte* row) {
  rows_->sum(row, width_, options_.channels,
             &row_sums_[static_cast<size_t>(y - job.rows.begin) * options_.channels]);
}

std::byte* Runner::frame_row(int program, int tensor, int y) const {
  return frames_[frame_of_[program][tensor]].data() + (y - first_row_ + 1) * features_row();
}

void Runner::take_times(std::vector<StageTime>& times) {
  static constexpr const char* kStages[kOpKinds] = {"read", "head",    "dqa",   "body",
                                                    "tail", "shuffle", "write", "dense"};
  for (int kind = 0; kind < kOpKinds; ++kind) {
    StageTime time{kStages[kind], 0, 0};
    for (const auto& thread : threads_) {
      time.seconds += std::exchange(thread->seconds[kind], 0.0);
      time.macs += std::exchange(thread->macs[kind], 0.0);
    }
    if (time.seconds > 0) times.push_back(time);
  }
}

}  // namespace cdsr::cpu
