#include "filter/embed/fader.h"

#include <algorithm>

namespace cdsr {

Fader::Fader(const CdsrConfig& config, Query query, int frames)
    : query_(query), frames_(frames), faded_(frames) {
  ShotState sized;
  sized.resize(config, query);
  embedding_ = from_embedding_ = sized.embedding;
  queries_ = from_queries_ = sized.queries;
}

void Fader::mix(const ShotState& target, float share) {
  const auto blend = [share](const std::vector<float>& from, const std::vector<float>& to,
                             std::vector<float>& out) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = share < 1 ? from[i] + share * (to[i] - from[i]) : to[i];
  };
  blend(from_embedding_, target.embedding, embedding_);
  blend(from_queries_, target.queries, queries_);
  installed_ = false;
}

float Fader::step(Engine& engine, const ShotState* target, int64_t version, bool jump) {
  if (target == nullptr) {
    faded_ = frames_;
    version_ = -1;
  } else if (version != version_) {
    from_embedding_ = embedding_;
    from_queries_ = queries_;
    faded_ = !shown_ || jump ? frames_ : 0;
    if (faded_ == frames_) mix(*target, 1);
    version_ = version;
    shown_ = true;
  }
  if (!shown_) return 0;
  if (target != nullptr && faded_ < frames_) {
    ++faded_;
    mix(*target, static_cast<float>(faded_) / static_cast<float>(frames_));
  }
  if (!installed_) {
    install(engine, query_, embedding_, queries_);
    installed_ = true;
  }
  if (appeared_ < frames_) ++appeared_;
  return frames_ > 0 ? static_cast<float>(appeared_) / static_cast<float>(frames_) : 1;
}

void Fader::forget() {
  shown_ = installed_ = false;
  version_ = -1;
  faded_ = frames_;
  appeared_ = 0;
}

}  // namespace cdsr
