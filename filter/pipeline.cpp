// A frame's path through the filter, step by step. What each step does: pipeline_steps.cpp.
#include "filter/pipeline.h"

#include "filter/stopwatch.h"

namespace cdsr {

Pipeline::Report Pipeline::process(const Frame& in, const Frame& out, const Hints& hints, Method method) {
  Report report;
  Stopwatch total, stage;
  if (hints.discontinuity) deadline_.reset();
  // A film's second pass knows all that the first has found, and what a person has set for the shot.
  const std::optional<FilmPlayer::Step> known = look_up(in);
  const float strength = known && known->strength ? *known->strength : strength_;
  report.late = deadline_.misses(hints.time) && method == Method::Network && strength > 0;
  if (report.late || strength <= 0 || (known && known->skip)) method = Method::Bicubic;
  sharpen(known && known->sharpness ? *known->sharpness : sharpness_);
  FramePath& path = paths_.of(in);
  // A new size or format: everything is planned anew, and a shot begins.
  adapt(*in.format, in.width, in.height, method);

  // Colour: this frame's tags; the pixels are converted strip by strip while the engine reads and writes.
  path.bind(in);

  // Shot: where in the stream are we?
  stage.lap();
  find_shot(path, in, hints, known, report);
  report.shot_ms = stage.lap();

  // Bars: the picture between them is all that the network sees.
  crop(path, in, known, method, report);

  // Embedding: on a new shot LPE and CSC, else what is remembered.
  FrameSink::Settings output = output_settings(*in.format, strength);
  output.strength *= embed(path, in, method, report);
  const double embed_ms = stage.lap();
  if (method == Method::Network && (report.embedded || report.event.entered())) report.embed_ms = embed_ms;

  // Super-resolution, and colour again on the way out.
  report.bicubic = method == Method::Bicubic || output.strength <= 0 || recorder_ != nullptr;
  if (report.bicubic)
    path.interpolate(out, output);
  else
    report.reused = path.upscale(out, output);
  report.upscale_ms = stage.lap();

  report.total_ms = total.lap();
  report.color_ms = path.take_color_ms();
  // A frame of which parts were copied says little of what the next will take.
  deadline_.took(report.total_ms, !report.bicubic && report.reused == 0);
  return report;
}

}  // namespace cdsr
