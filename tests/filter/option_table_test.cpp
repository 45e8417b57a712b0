// The table of options: consistent in itself, obeyed by cdsr_options_set() and cdsr_session_set_options(),
// and printed in filter/README.md.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cdsr/cdsr.h"
#include "filter/shot/detector.h"
#include "tests/filter/frame_buffer.h"
#include "tests/filter/tiny_model.h"

namespace cdsr::test {
namespace {

std::vector<const cdsr_option*> all_options() {
  std::vector<const cdsr_option*> options;
  for (const cdsr_option* const* o = cdsr_option_list(); *o != nullptr; ++o) options.push_back(*o);
  return options;
}

const cdsr_option& option(const std::string& name) {
  for (const cdsr_option* o : all_options())
    if (name == o->name) return *o;
  throw std::runtime_error("no option " + name);
}

std::vector<cdsr_word> words(const cdsr_option& o) {
  std::vector<cdsr_word> list;
  for (const cdsr_word* w = o.words; w != nullptr && w->word != nullptr; ++w) list.push_back(*w);
  return list;
}

cdsr_options defaults() {
  cdsr_options options;
  std::memset(&options, 0, sizeof options);  // padding too
  EXPECT_EQ(cdsr_options_default(&options, CDSR_API_VERSION), CDSR_OK);
  return options;
}

template <typename T>
T value(const cdsr_options& options, const cdsr_option& o) {
  T result;
  std::memcpy(&result, reinterpret_cast<const char*>(&options) + o.offset, sizeof result);
  return result;
}

/// The default as text that cdsr_options_set() takes.
std::string default_text(const cdsr_option& o) {
  if (o.kind == CDSR_OPTION_WORDS) return cdsr_option_word(o.name, static_cast<int32_t>(o.number));
  if (o.kind == CDSR_OPTION_TEXT) return o.text == nullptr ? "" : o.text;
  return fmt::format("{}", o.number);
}

TEST(OptionTable, RowsAreConsistent) {
  const cdsr_options options = defaults();
  std::set<std::string> names;
  std::set<size_t> offsets;
  for (const cdsr_option* o : all_options()) {
    SCOPED_TRACE(o->name);
    EXPECT_TRUE(names.insert(o->name).second);
    EXPECT_TRUE(offsets.insert(o->offset).second);
    EXPECT_LT(o->offset, sizeof(cdsr_options));
    EXPECT_TRUE(o->since >= 1 && o->since <= CDSR_API_VERSION);
    EXPECT_NE(o->help[0], '\0');
    EXPECT_NE(o->help[std::strlen(o->help) - 1], '.');
    EXPECT_EQ(std::string(o->help).find_first_of("|\n"), std::string::npos);
    EXPECT_EQ(words(*o).empty(), o->kind != CDSR_OPTION_WORDS);
    if (o->kind == CDSR_OPTION_TEXT) {
      EXPECT_STREQ(value<const char*>(options, *o), o->text);
      continue;
    }
    EXPECT_EQ(o->text, nullptr);
    EXPECT_LE(o->lowest, o->number);
    EXPECT_LE(o->number, o->highest);
    const double given =
        o->kind == CDSR_OPTION_FLOAT ? value<double>(options, *o) : value<int32_t>(options, *o);
    EXPECT_EQ(given, o->number);
  }
  EXPECT_EQ(option("shot_threshold").number, ShotDetector::kDefaultThreshold);
}

TEST(OptionTable, WordsFillTheirRange) {
  for (const cdsr_option* o : all_options()) {
    std::set<int32_t> values;
    for (const cdsr_word& w : words(*o)) {
      EXPECT_TRUE(values.insert(w.value).second) << o->name << "=" << w.word;
      EXPECT_STREQ(cdsr_option_word(o->name, w.value), w.word);
    }
    if (values.empty()) continue;
    EXPECT_EQ(*values.begin(), o->lowest) << o->name;
    EXPECT_EQ(*values.rbegin(), o->highest) << o->name;
  }
  EXPECT_EQ(cdsr_option_word("precision", -1), nullptr);
  EXPECT_EQ(cdsr_option_word("scale", 2), nullptr);
  EXPECT_EQ(cdsr_option_word("warp", 0), nullptr);
  EXPECT_EQ(cdsr_option_word(nullptr, 0), nullptr);
}

TEST(OptionTable, TextSetsEveryOption) {
  for (const cdsr_option* o : all_options()) {
    SCOPED_TRACE(o->name);
    cdsr_options options = defaults();
    const std::string text = default_text(*o);
    std::memset(reinterpret_cast<char*>(&options) + o->offset, 0x55,
                o->kind == CDSR_OPTION_FLOAT || o->kind == CDSR_OPTION_TEXT ? 8 : 4);
    ASSERT_EQ(cdsr_options_set(&options, o->name, text.c_str()), CDSR_OK) << cdsr_last_error();
    if (o->kind == CDSR_OPTION_TEXT) {
      EXPECT_EQ(value<const char*>(options, *o), text.c_str());  // not copied
      continue;
    }
    const cdsr_options want = defaults();
    EXPECT_EQ(std::memcmp(&options, &want, sizeof want), 0);
    for (const cdsr_word& w : words(*o)) {
      ASSERT_EQ(cdsr_options_set(&options, o->name, w.word), CDSR_OK) << w.word;
      EXPECT_EQ(value<int32_t>(options, *o), w.value);
    }
    for (const double limit : {o->lowest, o->highest})
      if (o->kind != CDSR_OPTION_WORDS) {
        EXPECT_EQ(cdsr_options_set(&options, o->name, fmt::format("{}", limit).c_str()), CDSR_OK)
            << cdsr_last_error();
      }
  }
}

TEST(OptionTable, BadTextIsNamedAndChangesNothing) {
  const auto attempt = [](const char* name, const char* text, const std::string& message) {
    cdsr_options options = defaults();
    const cdsr_options before = options;
    EXPECT_EQ(cdsr_options_set(&options, name, text), CDSR_ERROR_INVALID_ARGUMENT) << message;
    EXPECT_NE(std::string(cdsr_last_error()).find(message), std::string::npos) << cdsr_last_error();
    EXPECT_EQ(std::memcmp(&options, &before, sizeof before), 0) << message;
  };
  attempt("warp", "9", "no option is named 'warp': must be scale, model, ");
  attempt("scale", "5", "option scale = 5: must be 2..4");
  attempt("scale", "two", "option scale = two: must be 2..4");
  attempt("scale", "2x", "option scale = 2x: must be 2..4");
  attempt("scale", " 2", "option scale =  2: must be 2..4");
  attempt("scale", "99999999999999999999", "option scale = 99999999999999999999: must be 2..4");
  attempt("scale", "", "option scale = : must be 2..4");
  attempt("precision", "fp64", "option precision = fp64: must be auto, fp32, bf16, fp16, fp8 or int8");
  attempt("precision", "1", "option precision = 1: must be auto, ");
  attempt("strength", "1.01", "option strength = 1.01: must be 0..1");
  attempt("strength", "nan", "option strength = nan: must be 0..1");
  attempt("strength", "0,5", "option strength = 0,5: must be 0..1");
  attempt("deadline", "1000001", "option deadline = 1000001: must be 0..1000000");
  attempt("live", "2", "option live = 2: must be 0..1");
  attempt("model", "", "option model: must not be empty");
  attempt(nullptr, "1", "NULL");
  attempt("scale", nullptr, "NULL");
  EXPECT_EQ(cdsr_options_set(nullptr, "scale", "2"), CDSR_ERROR_INVALID_ARGUMENT);
}

TEST(OptionTable, EveryValueOutOfRangeIsRefusedByASession) {
  TinyModelFile file;
  const std::string name = file.name();
  for (const cdsr_option* o : all_options()) {
    if (o->kind == CDSR_OPTION_TEXT || o->kind == CDSR_OPTION_FLAG) continue;
    for (const double bad : {o->lowest - 1, o->highest + 1}) {
      cdsr_options options = defaults();
      options.model = name.c_str();
      if (o->kind == CDSR_OPTION_FLOAT) {
        std::memcpy(reinterpret_cast<char*>(&options) + o->offset, &bad, sizeof bad);
      } else {
        const auto whole = static_cast<int32_t>(bad);
        std::memcpy(reinterpret_cast<char*>(&options) + o->offset, &whole, sizeof whole);
      }
      cdsr_session* session = nullptr;
      EXPECT_EQ(cdsr_session_create(&session, nullptr, &options), CDSR_ERROR_INVALID_ARGUMENT) << o->name;
      EXPECT_NE(std::string(cdsr_last_error())
                    .find(fmt::format("option {} = {}: must be {}..{}", o->name, bad, o->lowest, o->highest)),
                std::string::npos)
          << cdsr_last_error();
      cdsr_session_destroy(&session);
    }
  }
}

TEST(OptionTable, ASessionTakesTheRuntimeOptionsAndNoOther) {
  TinyModelFile file;
  const std::string name = file.name();
  cdsr_options options = defaults();
  options.model = name.c_str();
  options.backend = "reference";
  cdsr_session* session = nullptr;
  ASSERT_EQ(cdsr_session_create(&session, nullptr, &options), CDSR_OK) << cdsr_last_error();
  const auto picture = [&] {
    FrameBuffer in(*find_format(CDSR_FORMAT_YUV420P), 20, 10), out(*find_format(CDSR_FORMAT_YUV420P), 40, 20);
    in.fill_random(1);
    const cdsr_frame input = in.frame();
    cdsr_frame output = out.frame();
    EXPECT_EQ(cdsr_session_process(session, &input, &output, nullptr, nullptr), CDSR_OK);
    return out;
  };
  const FrameBuffer network = picture();

  options.strength = 0;
  options.refresh = -1;
  options.scale = 9;  // not looked at
  EXPECT_EQ(cdsr_session_set_options(session, &options), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(cdsr_session_error(session)).find("refresh = -1"), std::string::npos);
  EXPECT_TRUE(picture() == network) << "one bad option, and all stay";

  options.refresh = 0;
  ASSERT_EQ(cdsr_session_set_options(session, &options), CDSR_OK) << cdsr_session_error(session);
  const FrameBuffer bicubic = picture();
  EXPECT_FALSE(bicubic == network);
  // A setter changes its own option alone.
  ASSERT_EQ(cdsr_session_set_refresh(session, 3), CDSR_OK);
  EXPECT_TRUE(picture() == bicubic);
  EXPECT_EQ(cdsr_session_set_options(session, nullptr), CDSR_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(cdsr_session_set_options(nullptr, &options), CDSR_ERROR_INVALID_ARGUMENT);
  cdsr_session_destroy(&session);
}

// ---------------------------------------------------------------- documentation

std::string range_text(const cdsr_option& o) {
  if (o.kind == CDSR_OPTION_TEXT) return "";
  return o.kind == CDSR_OPTION_WORDS ? "a word" : fmt::format("{}..{}", o.lowest, o.highest);
}

std::string meaning(const cdsr_option& o) {
  std::string text = o.help;
  for (const cdsr_word& w : words(o)) text += fmt::format("<br>`{}`: {}", w.word, w.help);
  return text;
}

std::string markdown() {
  std::string table = "| option | default | values | set | meaning |\n|---|---|---|---|---|\n";
  for (const cdsr_option* o : all_options()) {
    const std::string number = default_text(*o);
    const bool quoted = o->kind == CDSR_OPTION_TEXT || o->kind == CDSR_OPTION_WORDS;
    table += fmt::format("| `{}` | {} | {} | {}{} | {} |\n", o->name,
                         quoted && !number.empty() ? "`" + number + "`" : number, range_text(*o),
                         (o->flags & CDSR_OPTION_RUNTIME) != 0 ? "any time" : "start",
                         (o->flags & CDSR_OPTION_LIVE) != 0 ? ", not in FFmpeg" : "", meaning(*o));
  }
  return table;
}

TEST(OptionTable, StandsInTheReadme) {
  const std::string path = CDSR_TEST_README;
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  const std::string begin = "<!-- options -->\n";
  const size_t from = text.str().find(begin) + begin.size();
  const size_t to = text.str().find("<!-- end of options -->", from);
  ASSERT_TRUE(from > begin.size() && to != std::string::npos) << path << " has no table of options";
  const std::string table = markdown();
  if (std::getenv("CDSR_WRITE_README") != nullptr) {
    std::ofstream(path) << text.str().replace(from, to - from, table);
  } else {
    EXPECT_EQ(text.str().substr(from, to - from), table)
        << path << " differs: CDSR_WRITE_README=1 with this test brings it up to date";
  }
}

}  // namespace
}  // namespace cdsr::test
