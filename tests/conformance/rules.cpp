// Rules of use: engine.h's order of calls, picture_rows.h's rows.
#include <cmath>
#include <functional>
#include <mutex>
#include <optional>

#include "model/error.h"
#include "tests/conformance/checks.h"
#include "tests/model/backend_run.h"
#include "tests/model/tiny.h"

namespace cdsr::conformance {
namespace {

EngineOptions options_of(Precision precision) {
  EngineOptions options;
  options.precision = precision;
  options.threads = 2;
  return options;
}

/// An engine with a picture and the vectors that its calls take.
struct Stage {
  Stage(const Backend& backend, const EngineOptions& options, int width, int height)
      : network(random_network(tiny_config(Body::Plain, 2), 6)),
        engine(create_engine(backend, network, options)),
        in(test_image(width, height)),
        out(2 * width, 2 * height),
        embedding(engine->embedding_size(), 0.1F),
        queries(engine->queries_size(), 0.2F) {}

  Image upscale() {
    ImageSink sink(out);
    engine->upscale(ImageSource(in), sink);
    return out;
  }

  std::shared_ptr<const Network> network;
  std::unique_ptr<Engine> engine;
  Image in, out;
  std::vector<float> embedding, queries;
};

/// Collects what is not as it should be; from any thread.
class Ledger {
 public:
  explicit Ledger(Complaints& complaints) : complaints_(complaints) {}
  void hold(bool right, const std::string& otherwise) {
    const std::lock_guard lock(mutex_);
    if (!right && complaints_.size() < 10) complaints_.push_back(otherwise);
  }
  void refuses(const char* what, const std::function<void()>& call) {
    hold(code_of(call) == Errc::InvalidArgument, fmt::format("{} is not refused as InvalidArgument", what));
  }
  void allows(const char* what, const std::function<void()>& call) {
    try {
      call();
    } catch (const std::exception& e) {
      hold(false, fmt::format("{}: {}", what, e.what()));
    }
  }

 private:
  static std::optional<Errc> code_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& e) {
      return e.code();
    }
    return {};
  }

  Complaints& complaints_;
  std::mutex mutex_;
};

/// A sink that asks for a context and does nothing.
class ContextSink final : public RowSink {
 public:
  explicit ContextSink(int rows) : rows_(rows) {}
  int context() const override { return rows_; }
  void write(int, int, const float* const[3], ptrdiff_t) override {}

 private:
  int rows_;
};

void check_refusals(Stage& s, Ledger& ledger) {
  const ImageSource source(s.in);
  ImageSink sink(s.out);
  Engine& e = *s.engine;
  ledger.refuses("embed() before plan()", [&] { e.embed(source, s.embedding); });
  ledger.refuses("plan(0, 4)", [&] { e.plan(0, 4); });
  ledger.refuses("plan(4, 0)", [&] { e.plan(4, 0); });
  ledger.refuses("plan(65537, 4)", [&] { e.plan(kMostSide + 1, 4); });
  ledger.refuses("plan(4, 65537)", [&] { e.plan(4, kMostSide + 1); });
  ledger.refuses("set_queries() before condition()", [&] { e.set_queries(s.queries); });
  e.condition(s.embedding);
  e.set_queries(s.queries);
  ledger.refuses("measure_queries() before plan()", [&] { e.measure_queries(source, s.queries); });
  ledger.refuses("upscale() before plan()", [&] { e.upscale(source, sink); });
  e.plan(s.in.width, s.in.height);
  for (int more : {-1, 1}) {
    std::vector<float> embedding(s.embedding.size() + more), queries(s.queries.size() + more);
    ledger.refuses("embed() to a span of another size", [&] { e.embed(source, embedding); });
    ledger.refuses("condition() with a span of another size", [&] { e.condition(embedding); });
    ledger.refuses("measure_queries() to a span of another size",
                   [&] { e.measure_queries(source, queries); });
    ledger.refuses("set_queries() with a span of another size", [&] { e.set_queries(queries); });
  }
  for (int rows : {-1, kMostContext + 1}) {
    ContextSink greedy(rows);
    ledger.refuses("upscale() to a sink with too much context", [&] { e.upscale(source, greedy); });
  }
}

/// What is installed counts no more after another condition() or measure_queries().
void check_stale(Stage& s, Ledger& ledger) {
  const ImageSource source(s.in);
  ImageSink sink(s.out);
  std::vector<float> measured(s.queries.size());
  s.engine->condition(s.embedding);
  ledger.refuses("upscale() after condition() without set_queries()",
                 [&] { s.engine->upscale(source, sink); });
  s.engine->measure_queries(source, measured);
  ledger.refuses("upscale() after measure_queries() without set_queries()",
                 [&] { s.engine->upscale(source, sink); });
  s.engine->set_queries(s.queries);
}

/// Rows of `in`, with an eye on what is asked for.
class StrictSource final : public RowSource {
 public:
  StrictSource(const Image& in, Ledger& ledger) : in_(in), source_(in), ledger_(ledger) {}
  void read(int y, int rows, float* const dst[3], ptrdiff_t stride) const override {
    const bool inside = y >= 0 && rows >= 1 && y + rows <= in_.height;
    ledger_.hold(inside, fmt::format("rows {} to {} of {} were read", y, y + rows - 1, in_.height));
    if (inside) source_.read(y, rows, dst, stride);
  }

 private:
  const Image& in_;
  ImageSource source_;
  Ledger& ledger_;
};

/// Collects a picture, with an eye on how it comes.
class StrictSink final : public RowSink {
 public:
  StrictSink(Image& image, int context, Ledger& ledger)
      : image_(image), context_(context), ledger_(ledger), count_(image.height) {}
  int context() const override { return context_; }
  void write(int y, int rows, const float* const src[3], ptrdiff_t stride) override {
    const bool inside = y >= 0 && rows >= 1 && y + rows <= image_.height;
    ledger_.hold(inside, fmt::format("rows {} to {} of {} were written", y, y + rows - 1, image_.height));
    if (!inside) return;
    ledger_.hold(y % 2 == 0 && (rows % 2 == 0 || y + rows == image_.height),
                 fmt::format("a strip of rows {} to {}, which are odd", y, y + rows - 1));
    const std::lock_guard lock(mutex_);
    for (int r = 0; r < rows; ++r) ++count_[y + r];
    for (int r = -std::min(context_, y); r < rows + std::min(context_, image_.height - y - rows); ++r)
      for (int p = 0; p < 3; ++p) {
        const float* const from = src[p] + r * stride;
        if (r >= 0 && r < rows)
          std::copy_n(from, image_.width, row(p, y + r));
        else
          around_.push_back({p, y + r, {from, from + image_.width}});
      }
  }
  void finish() {
    for (int y = 0; y < image_.height; ++y)
      ledger_.hold(count_[y] == 1, fmt::format("row {} came {} times", y, count_[y]));
    for (const auto& [p, y, values] : around_)
      ledger_.hold(std::equal(values.begin(), values.end(), row(p, y)),
                   fmt::format("row {} is another as context than as itself", y));
  }

 private:
  struct Row {
    int plane, y;
    std::vector<float> values;
  };
  float* row(int p, int y) { return &image_.plane[p][static_cast<size_t>(y) * image_.width]; }

  Image& image_;
  int context_;
  Ledger& ledger_;
  std::mutex mutex_;
  std::vector<int> count_;
  std::vector<Row> around_;
};

/// Fails in the middle of a frame.
class FullSink final : public RowSink {
 public:
  void write(int, int, const float* const[3], ptrdiff_t) override { fail(Errc::Io, "the sink is full"); }
};

}  // namespace

Complaints check_calls(const Backend& backend, Precision precision) {
  Complaints complaints;
  Ledger ledger(complaints);
  const EngineOptions options = options_of(precision);
  Stage plain(backend, options, 21, 35);
  plain.engine->plan(21, 35);
  plain.engine->condition(plain.embedding);
  plain.engine->set_queries(plain.queries);
  const Image want = plain.upscale();

  EngineOptions many = options;
  many.threads = kMostThreads + 1;
  ledger.refuses("an engine of 257 threads", [&] { create_engine(backend, plain.network, many); });

  Stage misused(backend, options, 21, 35);
  check_refusals(misused, ledger);
  ledger.hold(same_bits(misused.upscale(), want), "calls that were refused had an effect");
  check_stale(misused, ledger);
  ledger.hold(same_bits(misused.upscale(), want), "calls that were refused had an effect");

  // Conditions and queries outlive plans, and looking at a frame leaves them alone.
  ledger.allows("any size, and again", [&] {
    std::vector<float> embedding(misused.embedding.size());
    for (auto [w, h] : {std::pair{1, 1}, {300, 1}, {1, 300}, {2048, 3}, {21, 35}}) {
      const Image in = test_image(w, h);
      misused.engine->plan(w, h);
      misused.engine->embed(ImageSource(in), embedding);
      Image out(2 * w, 2 * h);
      StrictSink sink(out, 2, ledger);
      misused.engine->upscale(StrictSource(in, ledger), sink);
      sink.finish();
      for (float v : out.plane[1]) ledger.hold(std::isfinite(v), "a picture that is not finite");
    }
  });
  ledger.hold(same_bits(misused.upscale(), want), "another plan() changed the picture");

  EngineOptions tight = options;
  tight.memory_limit = size_t{1} << 20;
  Stage poor(backend, tight, 21, 35);
  poor.engine->condition(poor.embedding);
  poor.engine->set_queries(poor.queries);
  try {
    poor.engine->plan(4000, 4000);
    ledger.hold(false, "a plan for 4000x4000 fits into 1 MiB");
    return complaints;
  } catch (const Error& e) {
    ledger.hold(e.code() == Errc::OutOfMemory, "too little memory is no OutOfMemory");
    ledger.hold(std::string(e.what()).find("limit is 1") != std::string::npos,
                fmt::format("too little memory: the limit is not in '{}'", e.what()));
  }
  ledger.refuses("upscale() after a plan that failed", [&] { poor.upscale(); });
  ledger.allows("a plan after one that failed", [&] {
    poor.engine->plan(21, 35);
    ledger.hold(same_bits(poor.upscale(), want), "a plan that failed changed the picture");
  });
  return complaints;
}

Complaints check_rows(const Backend& backend, Precision precision, int scale) {
  Complaints complaints;
  Ledger ledger(complaints);
  const auto network = random_network(tiny_config(Body::Plain, scale), 6);
  const auto engine = create_engine(backend, network, options_of(precision));
  const Image in = test_image(17, 203);
  const StrictSource source(in, ledger);
  std::vector<float> embedding(engine->embedding_size()), queries(engine->queries_size());
  engine->plan(in.width, in.height);
  engine->embed(source, embedding);
  engine->condition(embedding);
  engine->measure_queries(source, queries);
  engine->set_queries(queries);
  Image plain(17 * scale, 203 * scale);
  ImageSink sink(plain);
  engine->upscale(source, sink);
  for (int context = 0; context <= kMostContext; ++context) {
    Image out(17 * scale, 203 * scale);
    StrictSink strict(out, context, ledger);
    engine->upscale(source, strict);
    strict.finish();
    ledger.hold(same_bits(plain, out), fmt::format("another picture with {} rows of context", context));
  }
  FullSink full;
  try {
    engine->upscale(source, full);
    ledger.hold(false, "a sink's exception was swallowed");
  } catch (const Error& e) {
    ledger.hold(e.code() == Errc::Io, "a sink's exception came as another");
  }
  Image out(17 * scale, 203 * scale);
  StrictSink again(out, 0, ledger);
  engine->upscale(source, again);
  again.finish();
  ledger.hold(same_bits(plain, out), "another picture after a sink that threw");
  return complaints;
}

}  // namespace cdsr::conformance
