#include "tools/train/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/error.h"
#include "tools/train/stopwatch.h"

namespace cdsr::train {

Progress::Progress(int64_t iterations, int64_t step)
    : iterations_(iterations),
      last_step_(step),
      begin_(Clock::now()),
      last_(begin_),
      worked_(process_seconds()) {}

void Progress::add(const StepMeasures& s) {
  sum_.l1 += s.l1;
  sum_.contrast += s.contrast;
  sum_.accuracy += s.accuracy;
  sum_.guide += s.guide;
  sum_.gradient += s.gradient;
  sum_.time.data += s.time.data;
  sum_.time.degrade += s.time.degrade;
  sum_.waited += s.waited;
  sum_.images += s.images;
  ++steps_;
}

double Progress::age() const { return std::chrono::duration<double>(Clock::now() - last_).count(); }
double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

std::string Progress::line(int64_t step, double rate, nlohmann::ordered_json& log) {
  const double n = static_cast<double>(std::max<int64_t>(steps_, 1)), span = age();
  const double steps_s = static_cast<double>(step - last_step_) / span,
               images_s = static_cast<double>(sum_.images) / span;
  const double work = process_seconds() - worked_;
  const double data = sum_.time.data / work, degrade = sum_.time.degrade / work;
  const double left = static_cast<double>(iterations_ - step) / steps_s;
  log = {{"l1", sum_.l1 / n},       {"contrast", sum_.contrast / n}, {"accuracy", sum_.accuracy / n},
         {"guide", sum_.guide / n}, {"gradient", sum_.gradient / n}, {"rate", rate},
         {"steps_s", steps_s},      {"images_s", images_s},          {"data", data},
         {"degrade", degrade},      {"network", 1 - data - degrade}, {"waited", sum_.waited / span}};
  std::string text = fmt::format(
      "step {}/{}  {:.2f} step/s  {:.0f} images/s  L1 {:.3f}  contrastive {:.3f}  accuracy {:.0f} %{}  rate "
      "{:.1e}  "
      "work: data {:.0f} %, degrade {:.0f} %, network {:.0f} %  waited {:.0f} %  left {}",
      step, iterations_, steps_s, images_s, sum_.l1 / n, sum_.contrast / n, 100 * sum_.accuracy / n,
      sum_.guide > 0 ? fmt::format("  guide {:.3f}", sum_.guide / n) : "", rate, 100 * data, 100 * degrade,
      100 * (1 - data - degrade), 100 * sum_.waited / span, clock_text(left));
  sum_ = {};
  steps_ = 0;
  last_ = Clock::now();
  last_step_ = step;
  worked_ = process_seconds();
  return text;
}

std::string clock_text(double seconds) {
  const auto t = static_cast<int64_t>(seconds);
  return fmt::format("{}:{:02}:{:02}", t / 3600, t / 60 % 60, t % 60);
}

void Watchdog::add(int64_t step, double loss) {
  ++count_;
  const double share = std::max(0.01, 1.0 / static_cast<double>(count_));
  smooth_ += share * (loss - smooth_);
  if (count_ < 100) return;  // the first steps' loss says nothing
  lowest_ = count_ == 100 ? smooth_ : std::min(lowest_, smooth_);
  if (limit_ > 0 && smooth_ > limit_ * lowest_)
    fail(Errc::InvalidArgument,
         "step {}: the loss diverges: its mean over about 100 steps is {:.3g}, the lowest was {:.3g}; the "
         "last "
         "checkpoint is from before the rise: resume with a lower --rate or with --clip",
         step, smooth_, lowest_);
}

bool Watchdog::rising() const { return limit_ > 0 && count_ >= 100 && smooth_ > (1 + limit_) / 2 * lowest_; }

}  // namespace cdsr::train
