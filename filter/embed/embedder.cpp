#include "filter/embed/embedder.h"

#include <algorithm>

namespace cdsr {
namespace {

/// Two frames show the same scene in the same light: the codes of 8 bits may differ by this much in the mean.
constexpr double kSameZncc = 0.9;
constexpr double kSameDifference = 10;

/// Entries beside the remembered ones: the current shot and those a flash may put between it and its return.
constexpr int kSpare = ShotDetector::kAnchorFrames + 1;

bool same_scene(const Thumbnail& a, const Thumbnail& b) {
  const Similarity similarity = compare(a, b);
  return similarity.zncc > kSameZncc && similarity.difference < kSameDifference;
}

void add_to_mean(const std::vector<float>& value, int count, std::vector<float>& sum,
                 std::vector<float>& mean) {
  for (size_t i = 0; i < value.size(); ++i) {
    sum[i] = count == 1 ? value[i] : sum[i] + value[i];
    mean[i] = sum[i] / static_cast<float>(count);
  }
}

}  // namespace

ShotEmbedder::ShotEmbedder(Engine& engine, const Settings& settings)
    : engine_(engine), settings_(settings), entries_(settings.remembered + kSpare) {
  const CdsrConfig& config = engine.network().config;
  const auto embedding = static_cast<size_t>(config.embedding());
  const size_t queries =
      settings.query == Query::Shot ? static_cast<size_t>(config.dqas()) * static_cast<size_t>(config.nf) : 0;
  embedding_.resize(embedding);
  queries_.resize(queries);
  for (Entry& entry : entries_) {
    entry.embedding.resize(embedding);
    entry.embedding_sum.resize(embedding);
    entry.queries.resize(queries);
    entry.queries_sum.resize(queries);
  }
}

ShotEmbedder::Entry* ShotEmbedder::find(int64_t shot) {
  for (Entry& entry : entries_) {
    if (entry.shot == shot) return &entry;
  }
  return nullptr;
}

ShotEmbedder::Entry* ShotEmbedder::match(const Thumbnail& thumbnail) {
  Entry* best = nullptr;
  for (Entry& entry : entries_) {
    if (entry.looks == 0 || !entry.has_thumbnails) continue;
    const auto newer = std::count_if(entries_.begin(), entries_.end(),
                                     [&](const Entry& other) { return other.used > entry.used; });
    if (newer >= settings_.remembered) continue;
    if (best != nullptr && best->used > entry.used) continue;
    if (same_scene(thumbnail, entry.latest) || same_scene(thumbnail, entry.first)) best = &entry;
  }
  return best;
}

ShotEmbedder::Entry& ShotEmbedder::oldest() {
  return *std::min_element(entries_.begin(), entries_.end(),
                           [](const Entry& a, const Entry& b) { return a.used < b.used; });
}

bool ShotEmbedder::enter(const ShotEvent& event, const Thumbnail* thumbnail) {
  bool hit = false;
  if (event.entered() || current_ == nullptr) {
    Entry* entry = event.returned ? find(event.shot) : nullptr;
    if (entry == nullptr && thumbnail != nullptr) {
      entry = match(*thumbnail);
      hit = entry != nullptr;
    }
    if (entry == nullptr) {
      entry = &oldest();
      entry->looks = 0;
      entry->settled = false;
      entry->has_thumbnails = thumbnail != nullptr;
      if (thumbnail != nullptr) entry->first = *thumbnail;
      if (installed_ == entry) installed_ = nullptr;
    }
    if (hit) entry->settled = true;
    if (!event.returned) entry->frames = 0;
    entry->shot = event.shot;
    entry->used = ++clock_;
    current_ = entry;
  }
  if (thumbnail != nullptr) current_->latest = *thumbnail;
  return hit;
}

void ShotEmbedder::look(Entry& entry, const RowSource& frame) {
  installed_ = nullptr;
  const int count = entry.looks + 1;
  entry.looks = 0;  // whatever throws below, the next frame starts anew
  engine_.embed(frame, embedding_);
  add_to_mean(embedding_, count, entry.embedding_sum, entry.embedding);
  engine_.condition(entry.embedding);
  if (settings_.query == Query::Shot) {
    // Each frame is measured under the mean so far: the last of them counts fully, the first nearly so.
    engine_.measure_queries(frame, queries_);
    add_to_mean(queries_, count, entry.queries_sum, entry.queries);
    engine_.set_queries(entry.queries);
  }
  entry.looks = count;
  entry.settled = entry.looks >= settings_.embed_frames;
  installed_ = &entry;
}

void ShotEmbedder::install(const Entry& entry) {
  installed_ = nullptr;
  engine_.condition(entry.embedding);
  if (settings_.query == Query::Shot) engine_.set_queries(entry.queries);
  installed_ = &entry;
}

bool ShotEmbedder::prepare(const RowSource& frame) {
  Entry& entry = *current_;
  if (settings_.refresh > 0 && entry.frames > 0 && entry.frames % settings_.refresh == 0) entry.looks = 0;
  const bool needs_look = entry.looks == 0 || !entry.settled;
  if (needs_look) {
    look(entry, frame);
  } else if (installed_ != &entry) {
    install(entry);
  }
  ++entry.frames;
  return needs_look;
}

std::span<const float> ShotEmbedder::embedding() const {
  if (current_ == nullptr || current_->looks == 0) return {};
  return current_->embedding;
}

void ShotEmbedder::clear() {
  for (Entry& entry : entries_) {
    entry.shot = -1;
    entry.used = 0;
    entry.looks = 0;
  }
  current_ = nullptr;
  installed_ = nullptr;
  clock_ = 0;
}

}  // namespace cdsr
