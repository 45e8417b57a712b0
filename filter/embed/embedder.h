// One embedding a shot: computed on its first frame, remembered, found again.
//
// This and BackgroundEmbedder are the only places that look at frames (shot_state.h). A shot's entry holds
// what the network needs beyond the frame: E_a and, for Query::Shot, the DQA queries. Recent entries stay,
// each with the thumbnails of its shot's first and latest frame, so that a scene that comes back finds its
// entry.
//
// A shot that begins faint, a fade from black, is looked at anew each time its contrast has doubled: what is
// wrong with a picture cannot be told while there is hardly one. Contrast doubles a handful of times at most,
// and a shot that begins with a picture is looked at once.
//
// Where degradation drifts inside a shot, a guard may take a second look now and then (drift_guard.h): what
// has really changed is looked at anew, and the picture fades over to it.
//
// A live stream does not wait: while a new shot is looked at in the background its frames go out with the
// last embedding, and from there to the new one the picture fades (fader.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "filter/embed/background_embedder.h"
#include "filter/embed/drift_guard.h"
#include "filter/embed/fader.h"
#include "filter/embed/shot_state.h"
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
    int fade = 0;   ///< frames of the cross-fade of a live stream, and where degradation has drifted
    int drift = 0;  ///< a second look every so many frames of a shot (drift_guard.h); 0: none. Not live
  };

  /// What the next frame is upscaled with.
  struct Ready {
    bool embedded = false;  ///< an embedding of its shot was computed, or came in from the background
    bool pending = false;   ///< nothing is known of its shot yet
    float share = 1;        ///< of the network in the picture; 0: the engine is not conditioned
    bool operator==(const Ready&) const = default;
  };

  /// `engine` must outlive the object and be conditioned by it alone. background: nullptr, or what looks at
  /// the shots of a live stream; must outlive the object. Allocates all entries.
  ShotEmbedder(Engine& engine, const Settings& settings, BackgroundEmbedder* background = nullptr);

  void set_refresh(int refresh) { settings_.refresh = refresh; }
  Query query() const { return settings_.query; }

  /// Follows the shots; to be called for every frame. thumbnail: nullptr when there is none. Returns whether
  /// the shot that begins here is a remembered one.
  bool enter(const ShotEvent& event, const Thumbnail* thumbnail);

  /// Makes the engine ready for this frame of the current shot; looks at the frame if need be.
  Ready prepare(const RowSource& frame);

  /// The same without waiting: the look, if need be, begins in the background.
  Ready prepare_live(const Frame& frame);

  /// For a frame of a live stream that goes without the network: begins the look, or takes what it found, all
  /// the same. Returns whether an embedding of its shot came in.
  bool follow(const Frame& frame);

  /// E_a of the current shot, faded or not; empty while it is not known.
  std::span<const float> embedding() const;
  /// The DQA queries beside it; empty for networks without any and for Query::Frame.
  std::span<const float> queries() const;

  /// Forgets every shot. A live stream keeps the last embedding.
  void clear();
  /// Forgets that too.
  void forget();
  /// The engine was conditioned by somebody else.
  void reinstall();

 private:
  struct Entry {
    int64_t shot = -1;     ///< the last shot that used it; -1: free
    int64_t used = 0;      ///< when it was entered last
    int64_t frames = 0;    ///< prepared since it was entered
    int64_t version = 0;   ///< changes whenever `known` does; no other entry has the same
    bool settled = false;  ///< no more frames join the mean
    bool stale = false;    ///< live: to be looked at anew
    bool drifted = false;  ///< `known` followed another one inside the shot
    bool has_thumbnails = false;
    bool faint = false;    ///< it was when it was looked at first
    double contrast = -1;  ///< of the frame that `known` begins with, in 8-bit codes; -1: none was looked at
    Thumbnail first, latest;
    ShotState known;
  };

  Entry* find(int64_t shot);
  Entry* match(const Thumbnail& thumbnail);
  Entry& oldest();
  bool collect();
  /// Takes the second look if one is due, and says whether degradation has changed.
  bool has_drifted(const Entry& entry, const RowSource& frame);
  /// Has the contrast of a faint shot doubled since it was looked at?
  static bool has_risen(const Entry& entry);
  /// The current frame is the first that is looked at, or the first again.
  static void begin_looks(Entry& entry);

  Engine& engine_;
  Settings settings_;
  BackgroundEmbedder* const background_;
  Fader fader_;
  DriftGuard guard_;
  std::vector<Entry> entries_;
  const ShotState nothing_;  ///< sized, and empty
  ShotState found_;          ///< by the background
  Entry* current_ = nullptr;
  bool entered_ = false;              ///< the current frame is the first of its shot
  const Entry* installed_ = nullptr;  ///< what the engine is conditioned with
  int64_t clock_ = 0, versions_ = 0;
  int64_t asked_ = -1;  ///< version of the entry that the background looks for; -1: none
};

}  // namespace cdsr
