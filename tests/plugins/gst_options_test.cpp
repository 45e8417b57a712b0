// The element's properties against the library's table of options.
#include <algorithm>
#include <cstring>

#include "tests/plugins/gst_fixture.h"

namespace cdsr::gst_test {
namespace {

class GstOptions : public GstTest {
 protected:
  GParamSpec* spec(const cdsr_option& option) {
    std::string name = option.name;
    std::replace(name.begin(), name.end(), '_', '-');
    if (name == "stats") name = "stats-file";  // the element's statistics had that name before
    return g_object_class_find_property(G_OBJECT_GET_CLASS(cdsr_element().get()), name.c_str());
  }
};

TEST_F(GstOptions, EveryOptionIsAProperty) {
  make();
  for (const cdsr_option* const* o = cdsr_option_list(); *o != nullptr; ++o) {
    const cdsr_option& option = **o;
    SCOPED_TRACE(option.name);
    GParamSpec* found = spec(option);
    if (std::strcmp(option.name, "live") == 0) {  // the element's own decision
      EXPECT_EQ(found, nullptr);
      continue;
    }
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(g_ascii_strcasecmp(g_param_spec_get_blurb(found), option.help), 0);
    const bool runtime = (option.flags & CDSR_OPTION_RUNTIME) != 0;
    EXPECT_EQ((found->flags & GST_PARAM_MUTABLE_PLAYING) != 0, runtime);
    EXPECT_EQ((found->flags & GST_PARAM_CONTROLLABLE) != 0,
              runtime && (option.flags & CDSR_OPTION_LIVE) == 0);
    if (G_IS_PARAM_SPEC_INT(found)) {
      const GParamSpecInt* number = G_PARAM_SPEC_INT(found);
      EXPECT_EQ(number->minimum, option.lowest);
      EXPECT_EQ(number->maximum, option.highest);
      EXPECT_EQ(number->default_value, option.number);
    } else if (G_IS_PARAM_SPEC_DOUBLE(found)) {
      const GParamSpecDouble* number = G_PARAM_SPEC_DOUBLE(found);
      EXPECT_EQ(number->minimum, option.lowest);
      EXPECT_EQ(number->maximum, option.highest);
      EXPECT_EQ(number->default_value, option.number);
    } else if (G_IS_PARAM_SPEC_ENUM(found)) {
      const GParamSpecEnum* word = G_PARAM_SPEC_ENUM(found);
      EXPECT_EQ(word->default_value, option.number);
      for (const cdsr_word* w = option.words; w->word != nullptr; ++w) {
        const GEnumValue* value = g_enum_get_value(word->enum_class, w->value);
        ASSERT_NE(value, nullptr) << w->word;
        EXPECT_STREQ(value->value_nick, w->word);
      }
    } else if (G_IS_PARAM_SPEC_BOOLEAN(found)) {
      EXPECT_EQ(G_PARAM_SPEC_BOOLEAN(found)->default_value != FALSE, option.number != 0);
    } else {
      ASSERT_TRUE(G_IS_PARAM_SPEC_STRING(found));
      EXPECT_STREQ(G_PARAM_SPEC_STRING(found)->default_value, option.text);
    }
  }
}

TEST_F(GstOptions, WhatIsSetIsRead) {
  make();
  const Owned<GstElement> cdsr = cdsr_element();
  g_object_set(cdsr.get(), "embed-frames", 64, "strength", 0.25, "deadline", 40, "query", CDSR_QUERY_FRAME,
               "shot-file", "cuts.txt", nullptr);
  gint frames = 0, deadline = 0, query = 0;
  gdouble strength = 0;
  gchar* file = nullptr;
  g_object_get(cdsr.get(), "embed-frames", &frames, "strength", &strength, "deadline", &deadline, "query",
               &query, "shot-file", &file, nullptr);
  EXPECT_EQ(frames, 64);
  EXPECT_EQ(strength, 0.25);
  EXPECT_EQ(deadline, 40);
  EXPECT_EQ(query, CDSR_QUERY_FRAME);
  EXPECT_STREQ(file, "cuts.txt");
  g_free(file);
  for (const char* none : {static_cast<const char*>(nullptr), ""}) {
    g_object_set(cdsr.get(), "shot-file", none, "backend", none, nullptr);
    gchar* backend = nullptr;
    g_object_get(cdsr.get(), "shot-file", &file, "backend", &backend, nullptr);
    EXPECT_EQ(file, nullptr);
    EXPECT_STREQ(backend, "");
    g_free(backend);
  }
}

}  // namespace
}  // namespace cdsr::gst_test
