// Two passes over a film, in the element: properties pass and stats-file, and the end of the stream.
#include "filter/film/film.h"
#include "tests/model/temp_folder.h"
#include "tests/plugins/gst_fixture.h"

namespace cdsr::gst_test {
namespace {

class GstFilm : public GstTest {
 protected:
  using Pictures = std::vector<std::vector<unsigned char>>;

  /// A stream of frames, three of each scene, with its end.
  Pictures run(const std::string& properties, int frames = 9) {
    make(properties);
    set_src_caps(kScene);
    Pictures pictures;
    for (int n = 0; n < frames; ++n) {
      const Owned<GstBuffer> picture = push_scene(n / 3, n);
      if (picture != nullptr) pictures.push_back(samples(picture.get(), out_caps().get()));
    }
    gst_harness_push_event(harness(), gst_event_new_eos());
    return pictures;
  }
  std::string pass(int number) const { return "pass=" + std::to_string(number) + " stats-file=" + path_; }

  TempFolder folder_;
  const std::string path_ = (folder_.path() / "film.json").string();
};

TEST_F(GstFilm, TwoPassesAreOne) {
  const Pictures one = run("");
  ASSERT_EQ(one.size(), 9U);
  EXPECT_EQ(run(pass(1)), run("strength=0"));
  EXPECT_EQ(error(), "");
  const Film film = read_film(path_);
  ASSERT_EQ(film.shots.size(), 3U);
  EXPECT_EQ(film.frames, 9);
  EXPECT_DOUBLE_EQ(film.shots[1].time, 0.12);
  EXPECT_EQ(run(pass(2)), one);
  EXPECT_EQ(error(), "");
}

TEST_F(GstFilm, AnotherFilmIsAnError) {
  run(pass(1));
  run(pass(2), 7);
  EXPECT_NE(error().find("the film ended after 7 frames"), std::string::npos);
  EXPECT_EQ(run(pass(2), 12).size(), 9U);
  EXPECT_NE(error().find("frame 9: "), std::string::npos);
}

}  // namespace
}  // namespace cdsr::gst_test
