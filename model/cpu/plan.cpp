// What a runner needs for frames of one size, and how it makes do with less memory.
#include <algorithm>
#include <climits>
#include <limits>
#include <set>

#include "model/cpu/isa.h"
#include "model/cpu/runner_detail.h"

namespace cdsr::cpu {
namespace {

/// Bytes that a few rows of features should have, so that a step through the layers stays in the second-level
/// cache. Measured on cdsr-rt, 480x270: 64 KiB beats 128 by 2 % and 256 by 5 % with vector instructions; a
/// call into AMX code costs more, there 256 KiB beats 64 by a fifth.
size_t chunk_bytes() { return size_t{has_amx() ? 256U : 64U} << 10; }
/// Rows that are worth more of the cache: Winograd's kernel makes two at once. Less only for want of memory.
constexpr int kLeastRows = 2;
constexpr int kDenseRows = 128;
/// Of the limit, what a program that runs once a shot takes where less costs it a quarter more at most.
constexpr size_t kShare = 8;
constexpr double kCheap = 1.25;
/// What a program counts in the cost, that not every frame goes through.
constexpr double kOnceAShot = 0.1;

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

double mebibytes(size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }
size_t align(size_t bytes) { return round_up(bytes, 64); }

bool takes_means(const Program& program) {
  return std::any_of(program.segments.begin(), program.segments.end(),
                     [](const Segment& s) { return s.mean >= 0; });
}

}  // namespace

/// Into how small pieces the work is cut.
struct Runner::Level {
  int threads = 1;
  int chunk = 1;       ///< rows of a step through the layers
  int dense_rows = 2;  ///< of a dense block's strip
  double cost = 0;     ///< of a frame, to compare levels
};

void Runner::plan(const Programs& programs, int width, int height, size_t limit, size_t taken) {
  width_ = width;
  height_ = height;
  if (wants_windows_) reach_ = reach_of(programs.front()->segments.front(), programs.front()->tensors.size());
  threads_.clear();
  frames_.clear();
  convs_.reset();
  bands_.clear();
  for (const Program* program : programs) bands_.emplace_back(*program, options_.scale, height);
  const size_t unlimited = std::numeric_limits<size_t>::max();
  const size_t room = limit == 0 ? unlimited : limit - std::min(limit, taken), share = limit / kShare;
  Level full{pool_.size(), 1 << (kRowKernels - 1), kDenseRows};
  while (full.chunk > kLeastRows && full.chunk * features_row() > chunk_bytes()) full.chunk /= 2;
  const double ideal = cost(full);
  std::vector<Level> levels;
  for (Level level = full; level.threads > 0; level.threads /= 2) {
    level.chunk = full.chunk;
    level.dense_rows = full.dense_rows;
    for (;;) {
      if (fit(programs, level, room, share)) {
        level.cost = cost(level);
        levels.push_back(level);
      }
      if (level.chunk == 1 && (level.dense_rows == 2 || options_.growth == 0)) break;
      level.chunk = std::max(1, level.chunk / 2);
      level.dense_rows = std::max(2, level.dense_rows / 2);
      if (!levels.empty() && levels.front().cost <= kCheap * ideal) break;
    }
    if (!levels.empty() && levels.front().cost <= kCheap * ideal) break;
  }
  std::stable_sort(levels.begin(), levels.end(),
                   [](const Level& a, const Level& b) { return a.cost < b.cost; });
  for (const Level& level : levels)
    if (make(programs, level, room, share)) return allocate();
  const Level least{1, 1, 2};
  make(programs, least, 0, 0);
  fail(Errc::OutOfMemory,
       "memory={} is too little for frames of {}x{} in {}: the limit is {:.1f} MiB, the least that works is "
       "memory={}",
       limit >> 20, width, height, name_of(options_.type), mebibytes(limit),
       (bytes_ + taken + (1 << 20) - 1) >> 20);
}

double Runner::cost(const Level& level) const {
  double rows = 0;
  for (size_t p = 0; p < bands_.size(); ++p)
    rows += bands_[p].work(level.dense_rows) * (p == 0 ? 1 : kOnceAShot);
  const double few = 1 + 1.0 / (level.chunk * level.chunk);  // Winograd's pairs, and calls into oneDNN
  return rows * few / level.threads;
}

void Runner::cut(const Programs& programs, size_t room, size_t share) {
  for (size_t p = 0; p < programs.size(); ++p) {
    const auto& tensors = programs[p]->tensors;
    const size_t whole =
        std::count_if(tensors.begin(), tensors.end(), [](const TensorPlan& t) { return t.frame; });
    const size_t row =
        whole * features_row() + (takes_means(*programs[p]) ? options_.channels * sizeof(float) : size_t{0});
    Bands& bands = bands_[p];
    const auto take = [&](size_t bytes) {
      // Two more rows, of zeros above and below.
      const size_t rows = row == 0 ? static_cast<size_t>(height_) + 2 : bytes / row;
      bands.cut(bands.fitting(static_cast<int>(std::min<size_t>(rows, INT_MAX)) - 2));
    };
    take(p > 0 && share > 0 ? std::min(room, share) : room);
    if (bands.work(kDenseRows) > kCheap * bands.least_work()) take(room);
  }
}

bool Runner::fit(const Programs& programs, const Level& level, size_t room, size_t share) {
  // What is beside the whole tensors depends a little on the bands.
  size_t beside = 0;
  for (int trial = 0; trial < 4 && beside < room; ++trial) {
    cut(programs, room - beside, share);
    bytes_ = plan_memory(programs, level);
    if (bytes_ <= room) return true;
    beside = bytes_;
    for (const size_t bytes : frame_bytes()) beside -= bytes;
  }
  cut(programs, 0, 0);
  bytes_ = plan_memory(programs, level);
  return bytes_ <= room;
}

bool Runner::make(const Programs& programs, const Level& level, size_t room, size_t share) {
  size_t scratch = 0;
  for (int trial = 0; trial < 2; ++trial) {
    const bool fits = fit(programs, level, room - std::min(room, scratch), share);
    pool_.run_one([this] { make_convolutions(); });
    scratch = level.threads * convs_->scratch();
    bytes_ += scratch;
    if (fits && bytes_ <= room) {
      threads_.resize(level.threads);
      return true;
    }
    if (!fits) break;
  }
  return false;
}

void Runner::allocate() {
  size_t arena = 0, ops = 0, tensors = 0, sums = 0;
  for (size_t p = 0; p < segments_.size(); ++p) {
    sums = std::max<size_t>(sums, bands_[p].band_rows());
    for (const SegmentPlan& plan : segments_[p]) {
      arena = std::max(arena, plan.arena);
      ops = std::max(ops, plan.segment->ops.size());
      tensors = std::max(tensors, plan.tensors.size());
    }
  }
  for (const size_t bytes : frame_bytes()) frames_.emplace_back(bytes);
  first_row_ = 0;
  row_sums_.assign(sums * options_.channels, 0.0F);
  sums_.assign(options_.channels, 0.0);
  mean_.assign(options_.channels, 0.0F);
  for (auto& thread : threads_) {
    thread = std::make_unique<Thread>(ops);
    thread->arena = Buffer(arena);
    thread->row_bytes.resize(tensors);
    thread->convs.emplace(*convs_);
  }
  if (wants_windows_) pieces_.reserve(kMostPieces);
}

std::vector<size_t> Runner::frame_bytes() const {
  std::vector<size_t> bytes;
  for (size_t p = 0; p < frame_of_.size(); ++p)
    for (const int f : frame_of_[p]) {
      if (f < 0) continue;
      bytes.resize(std::max<size_t>(bytes.size(), f + 1));
      bytes[f] = std::max(bytes[f], align((bands_[p].tensor_rows() + 2) * features_row()));
    }
  return bytes;
}

size_t Runner::plan_memory(const Programs& programs, const Level& level) {
  segments_.clear();
  frame_of_.clear();
  size_t arena = 0, sums = 0;
  for (size_t p = 0; p < programs.size(); ++p) {
    const Program& program = *programs[p];
    int count = 0;
    std::vector<int>& frame_of = frame_of_.emplace_back();
    for (const TensorPlan& t : program.tensors) frame_of.push_back(t.frame ? count++ : -1);
    if (takes_means(program)) sums = std::max<size_t>(sums, bands_[p].band_rows());
    std::vector<SegmentPlan>& plans = segments_.emplace_back();
    for (size_t s = 0; s < program.segments.size(); ++s) {
      SegmentPlan& plan = plans.emplace_back();
      plan.segment = &program.segments[s];
      plan.tensors = program.tensors;
      for (const TensorPlan& t : program.tensors) plan.row_bytes.push_back(row_bytes(t));
      if (plan.segment->ops.front().kind == OpKind::Dense)
        plan_dense(program, level.dense_rows, plan);
      else
        plan_rows(program, bands_[p].ranges(static_cast<int>(s)), level, plan);
      arena = std::max(arena, plan.arena);
    }
  }
  size_t all = level.threads * align(arena) + sums * options_.channels * sizeof(float);
  for (const size_t bytes : frame_bytes()) all += bytes;
  return all;
}

void Runner::plan_rows(const Program& program, const std::vector<RowRange>& ranges, const Level& level,
                       SegmentPlan& plan) const {
  const Segment& segment = *plan.segment;
  const size_t count = segment.ops.size();
  for (const Op& op : segment.ops) plan.radius += op.radius;
  plan.chunk = level.chunk;
  plan.ops.resize(count);
  plan.locals.resize(count);
  plan.producer.assign(program.tensors.size(), -1);
  RowSchedule schedule(count);
  CapacityVisitor visitor(plan.locals);
  const auto visit = [&](int y0, int y1) {
    for (int context = 0; context <= (kMostContext + options_.scale - 1) / options_.scale; ++context)
      schedule.run(segment, y0, y1, height_, level.chunk, context, visitor);
  };
  // What is alive at once depends on how far the ends are from the frame's, and on little else.
  const int far = plan.radius + 2 * kMostContext;
  std::set<int> inside;  // rows of strips
  for (const RowRange& range : ranges) {
    const int strips = strip_count(range.size(), level.threads, plan.radius);
    for (int i = 0; i < strips; ++i) {
      const RowRange strip = strip_of(range, i, strips);
      const bool middle = strip.begin > far && strip.end + far < height_;
      if (!middle || inside.insert(strip.size()).second) visit(strip.begin, strip.end);
    }
  }
  if (wants_windows_)
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
    local.capacity += level.chunk;  // moved down every other time only
    local.offset = take(local.capacity * plan.row_bytes[op.out]);
  }
  if (dqa) plan.filtered_offset = take(level.chunk * features_row());
  plan.temp_offset = take((width_ + 64) * sizeof(float));
  plan.winograd_offset = take(scratch * sizeof(float));
}

}  // namespace cdsr::cpu
