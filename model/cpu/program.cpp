#include "model/cpu/program.h"

#include <algorithm>

namespace cdsr::cpu {
namespace {

/// Rows a strip may have to recompute above and below it before a segment is cut: a cut costs one store and
/// load of the features, 16 recomputed rows a tenth of a strip's work.
constexpr int kMostRadius = 16;
static_assert(kMostUncutBlocks + 2 == kMostRadius);

class Builder {
 public:
  Builder(const PackedNetwork& packed, Purpose purpose)
      : packed_(packed),
        network_(*packed.network),
        config_(network_.config),
        purpose_(purpose),
        measure_(purpose != Purpose::Upscale) {
    program_.segments.emplace_back();
    program_.cuttable = true;
  }

  Program build() {
    picture_ = tensor(TensorPlan::Picture, 0, false);
    add({.kind = OpKind::Read, .out = picture_});
    const bool rrdb = config_.body == Body::Rrdb;
    int f = features(rrdb);
    add({.kind = OpKind::Head,
         .in = picture_,
         .out = f,
         .radius = 1,
         .slope = config_.body == Body::Stack ? kFuseSlope : 1,
         .conv = packed_.head.get(),
         .head_weights = packed_.head_weights.data(),
         .quantized = quantized(0),
         .macs = packed_.head->macs()});
    if (rrdb)
      f = rrdb_body(f);
    else if (config_.body == Body::Stack)
      f = stack_body(f);
    else
      f = plain_body(f);
    if (purpose_ == Purpose::Measure)
      end_at_last_mean();
    else
      tail(f);
    return std::move(program_);
  }

 private:
  const QuantizedConv* quantized(int index) const {
    return packed_.quantized.empty() ? nullptr : &packed_.quantized[index];
  }
  Segment& current() { return program_.segments.back(); }
  void add(const Op& op) { current().ops.push_back(op); }

  int tensor(TensorPlan::Kind kind, int channels, bool frame) {
    program_.tensors.push_back({kind, channels, frame});
    return static_cast<int>(program_.tensors.size()) - 1;
  }
  int features(bool frame) { return tensor(TensorPlan::Features, padded_channels(config_.nf), frame); }

  /// Ends the segment with its last output kept whole in `into` (a new tensor if -1); `mean` as in Segment.
  int cut(int into = -1, int mean = -1) {
    Op& last = current().ops.back();
    if (into < 0) {
      program_.tensors[last.out].frame = true;
      into = last.out;
    } else {
      last.out = into;
    }
    current().mean = mean;
    program_.segments.emplace_back();
    return into;
  }
  void end_at_last_mean() {
    while (!program_.segments.empty() && current().mean < 0) program_.segments.pop_back();
    current().ops.back().out = features(false);  // summed alone
    for (size_t t = 0; t < program_.tensors.size(); ++t) {
      const auto uses = [id = static_cast<int>(t)](const Op& op) {
        return op.in == id || op.aux == id || op.out == id;
      };
      const auto used = [&](const Segment& s) { return std::any_of(s.ops.begin(), s.ops.end(), uses); };
      TensorPlan& tensor = program_.tensors[t];
      tensor.frame = tensor.frame && std::any_of(program_.segments.begin(), program_.segments.end(), used);
    }
  }
  int radius_so_far() {
    int sum = 0;
    for (const Op& op : current().ops) sum += op.radius;
    return sum;
  }

  int dqa(int x, int index, const PackedConv* conv) {
    const int out = features(false);
    add({.kind = OpKind::Dqa,
         .in = x,
         .out = out,
         .radius = 1,
         .slope = kFuseSlope,
         .dqa = index,
         .conv = conv,
         .macs = 9.0 * config_.nf + conv->macs()});
    return out;
  }
  int conv(int x, const PackedConv* conv, float slope, int residual = -1) {
    const int out = features(false);
    add({.kind = OpKind::Conv,
         .in = x,
         .out = out,
         .aux = residual,
         .radius = 1,
         .slope = slope,
         .conv = conv,
         .macs = conv->macs()});
    return out;
  }

  int stack_body(const int first) {
    // Where it has to be cut at all, the head's features are kept whole: the last block adds them.
    if (config_.blocks + 2 > kMostRadius) cut();
    int f = first;
    int keep[2] = {-1, -1}, cuts = 0;
    for (int b = 0; b < config_.blocks; ++b) {
      if (radius_so_far() + 2 > kMostRadius) {
        int& into = keep[cuts++ % 2];
        into = f = cut(into);
      }
      const bool last = b + 1 == config_.blocks;
      f = conv(f, packed_.blocks[b].conv1.get(), kFuseSlope, last ? first : -1);
      current().ops.back().activate_sum = last;
      current().ops.back().quantized = quantized(b + 1);
    }
    return f;
  }

  int plain_body(int f) {
    // Two whole-frame tensors take turns: strips read their neighbours' rows of one while others write the
    // next.
    int keep[2] = {-1, -1}, cuts = 0;
    for (int b = 0; b < config_.blocks; ++b) {
      const PackedBlock& block = packed_.blocks[b];
      const bool far = radius_so_far() + 3 > kMostRadius;
      if (measure_ || far) {
        int& into = keep[cuts++ % 2];
        into = f = cut(into, measure_ ? b : -1);
      }
      const int t = conv(dqa(f, b, block.dqa[0].get()), block.conv1.get(), kFuseSlope);
      f = conv(t, block.conv2.get(), 1, f);
    }
    return f;
  }

  int rrdb_body(const int f0) {
    const int t = features(true), t2 = features(true);
    int f = features(true), x = f0;
    cut(f0, measure_ ? 0 : -1);
    for (int b = 0; b < config_.blocks; ++b) {
      const PackedBlock& block = packed_.blocks[b];
      int a = conv(dqa(x, 2 * b, block.dqa[0].get()), block.conv1.get(), kFuseSlope);
      if (measure_) a = cut(t2, 2 * b + 1);
      conv(dqa(a, 2 * b + 1, block.dqa[1].get()), block.conv2.get(), 1, x);
      cut(t);
      dense(block.rdb[0], t, t2, -1);
      cut(t2);
      dense(block.rdb[1], t2, t, -1);
      cut(t);
      dense(block.rdb[2], t, f, x);  // each pixel of x is read before the same thread writes it
      cut(f, measure_ && b + 1 < config_.blocks ? 2 * b + 2 : -1);
      x = f;
    }
    return conv(f, packed_.trunk.get(), 1, f0);
  }

  void dense(const PackedDense& packed, int in, int out, int plus) {
    double macs = 0;
    for (const auto& c : packed.conv) macs += c->macs();
    add({.kind = OpKind::Dense,
         .in = in,
         .out = out,
         .aux = plus,
         .radius = 5,
         .dense = &packed,
         .macs = macs});
  }

  void tail(int f) {
    const bool skip = config_.skip == Skip::Bicubic;
    int picture = picture_;
    if (skip && program_.segments.size() > 1) {  // cut since the picture was read: read it again
      picture = tensor(TensorPlan::Picture, 0, false);
      current().ops.insert(current().ops.begin(), Op{.kind = OpKind::Read, .out = picture});
    }
    const int values = tensor(TensorPlan::Values, packed_.tail->out(), false);
    add({.kind = OpKind::Tail,
         .in = f,
         .out = values,
         .radius = 1,
         .conv = packed_.tail.get(),
         .quantized = quantized(config_.blocks + 1),
         .macs = packed_.tail->macs()});
    const int enlarged = tensor(TensorPlan::Enlarged, 0, false);
    add({.kind = OpKind::Shuffle,
         .in = values,
         .out = enlarged,
         .aux = skip ? picture : -1,
         .aux_radius = skip ? 2 : 0});
    add({.kind = OpKind::Write, .in = enlarged});
  }

  const PackedNetwork& packed_;
  const Network& network_;
  const CdsrConfig& config_;
  const Purpose purpose_;
  const bool measure_;
  Program program_;
  int picture_ = -1;
};

}  // namespace

Program build_program(const PackedNetwork& network, Purpose purpose) {
  return Builder(network, purpose).build();
}

}  // namespace cdsr::cpu
