#include "filter/embed/embedder.h"

#include <algorithm>

namespace cdsr {
namespace {

/// Two frames show the same scene in the same light: the codes of 8 bits may differ by this much in the mean.
constexpr double kSameZncc = 0.9;
constexpr double kSameDifference = 10;

/// A picture of less contrast, in 8-bit codes, may be on its way in from black or white. Film has 30 to 70.
constexpr double kFaint = 12;
/// Contrast below which it does not matter how much there is.
constexpr double kNoContrast = 3;

/// Entries beside the remembered ones: the current shot and those a flash may put between it and its return.
constexpr int kSpare = ShotDetector::kAnchorFrames + 1;

bool same_scene(const Thumbnail& a, const Thumbnail& b) {
  const Similarity similarity = compare(a, b);
  return similarity.zncc > kSameZncc && similarity.difference < kSameDifference;
}

ShotState sized(const CdsrConfig& config, Query query) {
  ShotState known;
  known.resize(config, query);
  return known;
}

}  // namespace

ShotEmbedder::ShotEmbedder(Engine& engine, const Settings& settings, BackgroundEmbedder* background)
    : engine_(engine),
      settings_(settings),
      background_(background),
      fader_(engine.network().config, settings.query, settings.fade),
      guard_(settings.drift, engine.embedding_size()),
      entries_(settings.remembered + kSpare),
      nothing_(sized(engine.network().config, settings.query)),
      found_(nothing_) {
  for (Entry& entry : entries_) entry.known = nothing_;
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
    const bool pending = entry.known.looks == 0 && entry.version == asked_;
    if ((entry.known.looks == 0 && !pending) || !entry.has_thumbnails) continue;
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
  entered_ = event.entered();
  if (event.entered() || current_ == nullptr) {
    Entry* entry = event.returned ? find(event.shot) : nullptr;
    if (entry == nullptr && thumbnail != nullptr) {
      entry = match(*thumbnail);
      hit = entry != nullptr && entry->known.looks > 0;
    }
    if (entry == nullptr) {
      entry = &oldest();
      entry->known.looks = 0;
      entry->version = ++versions_;
      entry->settled = entry->stale = entry->faint = entry->drifted = false;
      entry->contrast = -1;
      entry->has_thumbnails = thumbnail != nullptr;
      if (thumbnail != nullptr) entry->first = *thumbnail;
      if (installed_ == entry) installed_ = nullptr;
    }
    if (hit) entry->settled = true;
    if (!event.returned) entry->frames = 0;
    entry->shot = event.shot;
    entry->used = ++clock_;
    current_ = entry;
    guard_.reset();
  }
  if (thumbnail != nullptr) current_->latest = *thumbnail;
  return hit;
}

bool ShotEmbedder::has_risen(const Entry& entry) {
  return entry.faint && deviation(entry.latest) >= 2 * std::max(entry.contrast, kNoContrast);
}

void ShotEmbedder::begin_looks(Entry& entry) {
  if (!entry.has_thumbnails) return;
  const bool first = entry.contrast < 0;
  entry.contrast = deviation(entry.latest);
  if (first) entry.faint = entry.contrast < kFaint;
}

bool ShotEmbedder::has_drifted(const Entry& entry, const RowSource& frame) {
  if (entry.known.looks == 0 || !entry.settled || !guard_.due(entry.frames)) return false;
  engine_.embed(frame, guard_.next_embedding());
  return guard_.changed();
}

ShotEmbedder::Ready ShotEmbedder::prepare(const RowSource& frame) {
  Entry& entry = *current_;
  const bool refresh = settings_.refresh > 0 && entry.frames > 0 && entry.frames % settings_.refresh == 0;
  const bool anew = refresh || has_risen(entry);
  const bool drifted = !anew && has_drifted(entry, frame);
  if (anew || drifted) {
    entry.known.looks = 0;
    entry.drifted = drifted;
  }
  Ready ready;
  ready.embedded = entry.known.looks == 0 || !entry.settled;
  if (ready.embedded) {
    installed_ = nullptr;
    if (entry.known.looks == 0) begin_looks(entry);
    embed_shot(engine_, frame, settings_.query, entry.known);
    entry.settled = entry.known.looks >= settings_.embed_frames;
    entry.version = ++versions_;
    guard_.reset();
    fader_.reinstall();
  } else if (installed_ != &entry && !guard_.active()) {
    installed_ = nullptr;
    install(engine_, settings_.query, entry.known.embedding, entry.known.queries);
  }
  installed_ = &entry;
  if (guard_.active()) fader_.step(engine_, &entry.known, entry.version, /*jump=*/entered_ || !entry.drifted);
  ++entry.frames;
  return ready;
}

bool ShotEmbedder::collect() {
  int64_t version = 0;
  if (!background_->finish(found_, version)) return false;
  asked_ = -1;
  // The entry may have been given to another shot meanwhile.
  const auto asked = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.version == version; });
  if (asked == entries_.end()) return false;
  std::swap(asked->known, found_);
  asked->version = ++versions_;
  asked->stale = false;
  asked->settled = asked->known.looks >= settings_.embed_frames;
  return &*asked == current_;
}

bool ShotEmbedder::follow(const Frame& frame) {
  Entry& entry = *current_;
  const bool embedded = collect();
  const bool refresh = settings_.refresh > 0 && entry.frames > 0 && entry.frames % settings_.refresh == 0;
  if (refresh || has_risen(entry)) entry.stale = true;
  const bool wanted = entry.known.looks == 0 || !entry.settled || entry.stale;
  if (wanted && background_->idle()) {
    if (entry.known.looks == 0 || entry.stale) begin_looks(entry);
    background_->start(frame, entry.stale ? nothing_ : entry.known, entry.version);
    asked_ = entry.version;
  }
  ++entry.frames;
  return embedded;
}

ShotEmbedder::Ready ShotEmbedder::prepare_live(const Frame& frame) {
  Ready ready;
  ready.embedded = follow(frame);
  const Entry& entry = *current_;
  ready.pending = entry.known.looks == 0;
  ready.share = fader_.step(engine_, ready.pending ? nullptr : &entry.known, entry.version, entered_);
  return ready;
}

std::span<const float> ShotEmbedder::embedding() const {
  if (current_ == nullptr || current_->known.looks == 0) return {};
  return guard_.active() ? fader_.embedding() : current_->known.embedding;
}

std::span<const float> ShotEmbedder::queries() const {
  if (current_ == nullptr || current_->known.looks == 0) return {};
  return guard_.active() ? fader_.queries() : current_->known.queries;
}

void ShotEmbedder::clear() {
  if (background_ != nullptr) background_->cancel();
  asked_ = -1;
  for (Entry& entry : entries_) {
    entry.shot = -1;
    entry.used = 0;
    entry.known.looks = 0;
    entry.version = ++versions_;
  }
  current_ = nullptr;
  installed_ = nullptr;
  clock_ = 0;
}

void ShotEmbedder::forget() {
  clear();
  fader_.forget();
}

void ShotEmbedder::reinstall() {
  installed_ = nullptr;
  fader_.reinstall();
}

}  // namespace cdsr
