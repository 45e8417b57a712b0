#include "model/cpu/runner.h"

#include <algorithm>
#include <climits>
#include <set>

#include "model/bicubic.h"
#include "model/cpu/isa.h"
#include "model/cpu/strip.h"

namespace cdsr::cpu {
namespace {

/// Least and most rows of a strip of row ops: shorter ones are recomputation for the greater part, longer
/// ones leave nothing to a thread that is done before another.
constexpr int kLeastStripRows = 32, kMostStripRows = 136;
/// Bytes that a few rows of features should have, so that a step through the layers stays in the second-level
/// cache. Measured on cdsr-rt, 480x270: 64 KiB beats 128 by 2 % and 256 by 5 % with vector instructions; a
/// call into AMX code costs more, there 256 KiB beats 64 by a fifth.
size_t chunk_bytes() { return size_t{has_amx() ? 256U : 64U} << 10; }
/// Rows that are worth more of the cache: Winograd's kernel makes two at once. Less only for want of memory.
constexpr int kLeastRows = 2;
constexpr int kDenseRows = 128;
/// Columns that Winograd's kernel transforms together.
constexpr int kTileColumns = 4;
/// A narrower window gains nothing over its margins.
constexpr int kLeastWindow = 48;
constexpr size_t kMostPieces = size_t{4} * kMostWindows;

/// Finds how many rows of each op's output are alive at once.
class CapacityVisitor {
 public:
  explicit CapacityVisitor(std::vector<LocalPlan>& locals) : locals_(locals), low_(locals.size()) {}

  void start(int op, int begin, int) { low_[op] = begin > 0 ? begin : -1; }
  void room(int op, int keep, int row, int count) {
    locals_[op].capacity = std::max(locals_[op].capacity, row + count + 1 - std::max(keep, low_[op]));
  }
  void make(int, int, int) {}

 private:
  std::vector<LocalPlan>& locals_;
  std::vector<int> low_;
};

/// The number of strips that has the slowest thread make the fewest rows, the `radius` rows that a cut has
/// recomputed included; of several the least.
int strip_count(int height, int threads, int radius) {
  const int least = std::max(1, (height + kMostStripRows - 1) / kMostStripRows);
  const int most = std::max(least, height / kLeastStripRows);
  const auto rows = [&](int strips) {
    return (strips + threads - 1) / threads * ((height + strips - 1) / strips + (strips > 1 ? radius : 0));
  };
  int best = least;
  for (int strips = least + 1; strips <= most; ++strips)
    if (rows(strips) < rows(best)) best = strips;
  return best;
}

double mebibytes(size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }
size_t align(size_t bytes) { return round_up(bytes, 64); }

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
      winograd_(&winograd(kernel_isa())) {
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

void Runner::plan(const std::vector<const Program*>& programs, int width, int height, size_t limit,
                  size_t taken) {
  width_ = width;
  height_ = height;
  if (wants_windows_) reach_ = reach_of(programs.front()->segments.front(), programs.front()->tensors.size());
  threads_.clear();
  frames_.clear();
  convs_.reset();
  int chunk = 1 << (kRowKernels - 1);
  while (chunk > kLeastRows &&
         chunk * static_cast<size_t>(width) * options_.channels * size_of(options_.type) > chunk_bytes())
    chunk /= 2;
  int dense_rows = kDenseRows;
  for (;;) {
    bytes_ = plan_memory(programs, chunk, dense_rows);
    bool fits = limit == 0 || bytes_ + taken <= limit;
    if (fits) {
      pool_.run_one([this] { make_convolutions(); });
      bytes_ += pool_.size() * convs_->scratch();
      fits = limit == 0 || bytes_ + taken <= limit;
    }
    if (fits) break;
    if (chunk == 1 && dense_rows <= 2)
      fail(Errc::OutOfMemory, "frames of {}x{} need {:.1f} MiB with {} thread(s), the limit is {:.1f} MiB",
           width, height, mebibytes(bytes_ + taken), pool_.size(), mebibytes(limit));
    chunk = std::max(1, chunk / 2);
    dense_rows = std::max(2, dense_rows / 2);
  }

  size_t frames = 0, arena = 0, ops = 0, tensors = 0;
  for (const auto& of : frame_of_)
    for (int f : of) frames = std::max<size_t>(frames, f + 1);
  for (const auto& plans : segments_)
    for (const SegmentPlan& plan : plans) {
      arena = std::max(arena, plan.arena);
      ops = std::max(ops, plan.segment->ops.size());
      tensors = std::max(tensors, plan.tensors.size());
    }
  const size_t row = row_bytes({TensorPlan::Features, options_.channels, true});
  for (size_t i = 0; i < frames; ++i) frames_.emplace_back((height_ + 2) * row);  // zeros above and below
  row_sums_.assign(static_cast<size_t>(height_) * options_.channels, 0.0F);
  mean_.assign(options_.channels, 0.0F);
  for (int i = 0; i < pool_.size(); ++i) {
    auto thread = std::make_unique<Thread>(ops);
    thread->arena = Buffer(arena);
    thread->row_bytes.resize(tensors);
    thread->convs.emplace(*convs_);
    threads_.push_back(std::move(thread));
  }
  if (wants_windows_) pieces_.reserve(kMostPieces);
}

size_t Runner::plan_memory(const std::vector<const Program*>& programs, int chunk, int dense_rows) {
  segments_.clear();
  frame_of_.clear();
  size_t frames = 0, arena = 0;
  for (const Program* program : programs) {
    int count = 0;
    std::vector<int>& frame_of = frame_of_.emplace_back();
    for (const TensorPlan& t : program->tensors) frame_of.push_back(t.frame ? count++ : -1);
    frames = std::max<size_t>(frames, count);
    std::vector<SegmentPlan>& plans = segments_.emplace_back();
    for (const Segment& segment : program->segments) {
      SegmentPlan& plan = plans.emplace_back();
      plan.segment = &segment;
      plan.tensors = program->tensors;
      for (const TensorPlan& t : program->tensors) plan.row_bytes.push_back(row_bytes(t));
      if (segment.ops.front().kind == OpKind::Dense)
        plan_dense(*program, dense_rows, plan);
      else
        plan_rows(*program, chunk, plan);
      arena = std::max(arena, plan.arena);
    }
  }
  const size_t frame = (height_ + 2) * row_bytes({TensorPlan::Features, options_.channels, true});
  return frames * align(frame) + pool_.size() * align(arena) +
         static_cast<size_t>(height_) * options_.channels * sizeof(float);
}

void Runner::plan_rows(const Program& program, int chunk, SegmentPlan& plan) const {
  const Segment& segment = *plan.segment;
  const size_t count = segment.ops.size();
  int radius = 0;
  for (const Op& op : segment.ops) radius += op.radius;
  plan.strips = strip_count(height_, pool_.size(), radius);
  plan.chunk = chunk;
  plan.ops.resize(count);
  plan.locals.resize(count);
  plan.producer.assign(program.tensors.size(), -1);
  RowSchedule schedule(count);
  CapacityVisitor visitor(plan.locals);
  const auto visit = [&](int y0, int y1) {
    for (int context = 0; context <= (kMostContext + options_.scale - 1) / options_.scale; ++context)
      schedule.run(segment, y0, y1, height_, chunk, context, visitor);
  };
  for (int strip = 0; strip < plan.strips; ++strip)
    visit(strip_begin(strip, plan.strips, height_), strip_begin(strip + 1, plan.strips, height_));
  if (wants_windows_)  // what is alive at once depends on how far the ends are from the frame's, and on
                       // little else
    for (int y0 = 0; y0 < height_;
         y0 += y0 < kMostStripRows || y0 + kMostStripRows > height_ ? kWindowRows : 128)
      for (int rows : {kWindowRows, 4 * kWindowRows, kMostStripRows}) visit(y0, std::min(height_, y0 + rows));
  const auto take = [&plan](size_t bytes) {
    const size_t at = plan.arena;
    plan.arena += align(bytes);
    return at;
  };
  bool dqa = false;
  size_t scratch = 0;
  for (size_t i = 0; i < count; ++i) {
    const Op& op = segment.ops[i];
    dqa = dqa || op.kind == OpKind::Dqa;
    if (by_winograd(op)) scratch = std::max(scratch, winograd_->scratch(op.conv->in()));
    LocalPlan& local = plan.locals[i];
    if (op.out < 0 || program.tensors[op.out].frame) {
      local.capacity = 0;
      continue;
    }
    plan.producer[op.out] = static_cast<int>(i);
    local.capacity += chunk;  // moved down every other time only
    local.offset = take(local.capacity * plan.row_bytes[op.out]);
  }
  if (dqa) plan.filtered_offset = take(chunk * row_bytes({TensorPlan::Features, options_.channels, false}));
  plan.temp_offset = take((width_ + 64) * sizeof(float));
  plan.winograd_offset = take(scratch * sizeof(float));
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
    const int width = width_ - (width_ - width_ * kEighths[level] / 8) / kTileColumns * kTileColumns;
    if (level > 0 && (width < kLeastWindow || width == plan.widths.back())) return;
    plan.widths.push_back(width);
    make_row_convolutions(plan, level);
  }
}

void Runner::make_row_convolutions(SegmentPlan& plan, int level) {
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const Op& op = plan.segment->ops[i];
    if (op.kind != OpKind::Dqa && op.kind != OpKind::Conv && op.kind != OpKind::Tail) continue;
    if (plan.ops[i].tail != nullptr || plan.ops[i].winograd != nullptr) continue;
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
  for (int place = 0; place < kTileColumns; ++place) {
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
        in.first = in.first % kTileColumns == 0 ? in.first - 1 : in.first / kTileColumns * kTileColumns;
        in.last = in.last % kTileColumns == kTileColumns - 1
                      ? in.last + 1
                      : in.last / kTileColumns * kTileColumns + kTileColumns - 1;
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
    piece.left = std::max(0, w.x - columns) / kTileColumns * kTileColumns;
    const int right =
        std::min<int>(width_, static_cast<int>(round_up(w.x + w.width + columns, kTileColumns)));
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
    const int64_t share = (int64_t{w.width} * w.height * pool_.size() + all - 1) / all;
    const int least = (w.height + kMostStripRows - 1) / kMostStripRows;
    int count = std::max<int>(
        least, std::min<int>(pool_.size() == 1 ? 1 : static_cast<int>(share), w.height / kLeastStripRows));
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
    Strip strip(*this, *threads_[index], job);
    for (int i = job.next++; i < static_cast<int>(pieces_.size()); i = job.next++)
      strip.run(pieces_[i], context);
  });
}

void Runner::run(int program, int segment, const std::vector<DqaVectors>& dqas, const RowSource* source,
                 RowSink* sink) {
  const SegmentPlan& plan = segments_[program][segment];
  const int rows = sink == nullptr ? 0 : sink->context();
  const int context = (rows + options_.scale - 1) / options_.scale;
  Job job;
  job.program = program;
  job.plan = &plan;
  job.dqas = &dqas;
  job.source = source;
  job.sink = sink;
  pool_.run([&](int index) {
    Thread& thread = *threads_[index];
    Strip strip(*this, thread, job);
    for (int i = job.next++; i < plan.strips; i = job.next++) {
      if (!plan.dense.empty())
        run_dense(thread, job, i);
      else
        strip.run({strip_begin(i, plan.strips, height_), strip_begin(i + 1, plan.strips, height_), 0, width_,
                   0, width_, 0},
                  context);
    }
  });
  if (plan.segment->mean < 0) return;
  // Row sums in the order of rows: the same value whoever made them.
  for (int c = 0; c < options_.channels; ++c) {
    double sum = 0;
    for (int y = 0; y < height_; ++y) sum += row_sums_[static_cast<size_t>(y) * options_.channels + c];
    mean_[c] = static_cast<float>(sum / (static_cast<double>(width_) * height_));
  }
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
                                     plan.segment->ops[i].conv->outputs(),
                                     options_.type == Type::F32 ? "fp32" : "bf16", width_),
                         fmt::format("tail:{}", kernels_->name)});
  convs_->list(all);
}

void Runner::sum_rows(int program, int tensor, int row, int count) {
  for (int y = row; y < row + count; ++y)
    rows_->sum(frame_row(program, tensor, y), width_, options_.channels,
               &row_sums_[static_cast<size_t>(y) * options_.channels]);
}

std::byte* Runner::frame_row(int program, int tensor, int y) const {
  const size_t row = static_cast<size_t>(width_) * options_.channels * size_of(options_.type);
  return frames_[frame_of_[program][tensor]].data() + (y + 1) * row;
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
