// One embedding a shot: computed on its first frame, remembered, found again.
//
// This is the only place that calls Engine::embed(). A shot's entry holds what the network needs beyond the
// frame: E_a and, for Query::Shot, the DQA queries. Recent entries stay, each with the thumbnails of its
// shot's first and latest frame, so that a scene that comes back finds its entry.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "filter/shot/thumbnail.h"
#include "filter/shot/tracker.h"
#include "model/engine.h"

namespace cdsr {

class ShotEmbedder {
 public:
  struct Settings {
    int embed_frames = 1;  ///< E_a is the mean over this many frames, 1..
    int refresh = 0;       ///< anew every so many frames of a shot; 0: never
    int remembered = 8;    ///< recent shots that can be found again, 0..
    Query query = Query::Shot;
  };

  /// `engine` must outlive the object and be conditioned by it alone. Allocates all entries.
  ShotEmbedder(Engine& engine, const Settings& settings);

  void set_refresh(int refresh) { settings_.refresh = refresh; }

  /// Follows the shots; to be called for every frame. thumbnail: nullptr when there is none. Returns whether
  /// the shot that begins here is a remembered one.
  bool enter(const ShotEvent& event, const Thumbnail* thumbnail);

  /// Makes the engine ready for this frame of the current shot. Returns whether the LPE ran.
  bool prepare(const RowSource& frame);

  /// E_a of the current shot; empty while it is not known.
  std::span<const float> embedding() const;

  /// Forgets every shot.
  void clear();

 private:
  struct Entry {
    int64_t shot = -1;     ///< the last shot that used it; -1: free
    int64_t used = 0;      ///< when it was entered last
    int64_t frames = 0;    ///< prepared since it was entered
    int looks = 0;         ///< frames that are in the mean; 0: nothing known yet
    bool settled = false;  ///< no more frames join the mean
    bool has_thumbnails = false;
    Thumbnail first, latest;
    std::vector<float> embedding, embedding_sum;
    std::vector<float> queries, queries_sum;
  };

  Entry* find(int64_t shot);
  Entry* match(const Thumbnail& thumbnail);
  Entry& oldest();
  void look(Entry& entry, const RowSource& frame);
  void install(const Entry& entry);

  Engine& engine_;
  Settings settings_;
  std::vector<Entry> entries_;
  std::vector<float> embedding_, queries_;  ///< of one frame
  Entry* current_ = nullptr;
  const Entry* installed_ = nullptr;  ///< what the engine is conditioned with
  int64_t clock_ = 0;
};

}  // namespace cdsr
