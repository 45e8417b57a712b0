// Programs that were compiled with the cdsr.h of another version: the structs of version 1, recorded, against
// this library, at the end of the memory that may be touched.
#include "filter/abi.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "cdsr/cdsr.h"
#include "tests/filter/api_v1.h"
#include "tests/filter/tiny_model.h"

namespace cdsr::test {

/// A struct that grew: of version 1, 2 and 3; the last member lies where the second version had padding.
struct Grown {
  uint32_t version;
  int32_t first;
  double second;
  int32_t third, fourth;
};

}  // namespace cdsr::test

template <>
size_t cdsr::abi::size<cdsr::test::Grown>(uint32_t version) {
  return version == 1 ? 8 : version == 2 ? 20 : 24;
}

namespace cdsr::test {
namespace {

// ---------------------------------------------------------------- the mechanism

TEST(Abi, ReadsTheMembersOfTheCallersVersionAlone) {
  const Grown caller{1, 10, 20, 30, 40};
  const Grown rest{0, 1, 2, 3, 4};
  const auto members = [&](uint32_t version) {
    Grown given = caller;
    given.version = version;
    const Grown got = abi::read(&given, rest);
    EXPECT_EQ(got.version, version);
    return std::vector<double>{static_cast<double>(got.first), got.second, static_cast<double>(got.third),
                               static_cast<double>(got.fourth)};
  };
  EXPECT_EQ(members(1), (std::vector<double>{10, 2, 3, 4}));
  EXPECT_EQ(members(2), (std::vector<double>{10, 20, 30, 4}));
  EXPECT_EQ(members(3), (std::vector<double>{10, 20, 30, 40}));
}

TEST(Abi, WritesTheMembersOfTheCallersVersionAlone) {
  for (const uint32_t version : {1U, 2U, 3U}) {
    Grown target;
    std::memset(&target, 0xCC, sizeof target);
    target.version = version;
    abi::write(&target, Grown{0, 1, 2, 3, 4});
    EXPECT_EQ(target.version, version);
    const size_t end = abi::size<Grown>(version);
    const auto* bytes = reinterpret_cast<const unsigned char*>(&target);
    for (size_t i = end; i < sizeof target; ++i) EXPECT_EQ(bytes[i], 0xCC) << version << ", byte " << i;
    EXPECT_EQ(target.first, 1);
    if (version == 3) {
      EXPECT_EQ(target.fourth, 4);
    }
  }
}

// ---------------------------------------------------------------- version 1

/// A struct of version 1, filled with 0xCC, that ends where a page begins which nobody may touch.
template <typename Then, typename Now>
class AtTheEdge {
 public:
  AtTheEdge() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    memory_ = static_cast<char*>(
        mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(memory_ + page_, page_, PROT_NONE);
    std::memset(memory_, 0xCC, page_);
    set_version();
  }
  ~AtTheEdge() { munmap(memory_, 2 * page_); }
  AtTheEdge(const AtTheEdge&) = delete;
  AtTheEdge& operator=(const AtTheEdge&) = delete;

  void set_version() { then()->version = 1; }
  Then* operator->() { return then(); }
  /// As the caller's old header and the library's new one see it.
  Then* then() { return reinterpret_cast<Then*>(memory_ + page_ - sizeof(Then)); }
  Now* now() { return reinterpret_cast<Now*>(then()); }

  /// Whether every byte before it, and of its padding at the end, is what it was.
  bool alone(size_t end) const {
    for (size_t i = 0; i < page_; ++i) {
      const bool inside = i >= page_ - sizeof(Then) && i < page_ - sizeof(Then) + end;
      if (!inside && static_cast<unsigned char>(memory_[i]) != 0xCC) return false;
    }
    return true;
  }

 private:
  size_t page_;
  char* memory_;
};

TEST(AbiVersion1, AWholeRunTouchesNothingBeyond) {
  TinyModelFile file;
  const std::string name = file.name();

  AtTheEdge<v1::options, cdsr_options> options;
  ASSERT_EQ(cdsr_options_default(options.now(), 1), CDSR_OK);
  EXPECT_EQ(options->version, 1U);
  EXPECT_EQ(options->fade, 12);
  EXPECT_EQ(options->log_opaque, nullptr);
  EXPECT_TRUE(options.alone(sizeof(v1::options)));
  ASSERT_EQ(cdsr_options_set(options.now(), "backend", "reference"), CDSR_OK) << cdsr_last_error();
  options->model = name.c_str();
  cdsr_session* session = nullptr;
  ASSERT_EQ(cdsr_session_create(&session, nullptr, options.now()), CDSR_OK) << cdsr_last_error();

  std::vector<unsigned char> small(16 * 16, 100), large(32 * 32);
  AtTheEdge<v1::frame, cdsr_frame> in, out;
  for (auto* frame : {&in, &out}) {
    ASSERT_EQ(cdsr_frame_default(frame->now(), 1), CDSR_OK);
    EXPECT_TRUE(frame->alone(sizeof(v1::frame)));
    const int side = frame == &in ? 16 : 32;
    (*frame)->format = CDSR_FORMAT_GRAY8;
    (*frame)->width = (*frame)->height = side;
    (*frame)->plane[0] = frame == &in ? small.data() : large.data();
    (*frame)->stride[0] = side;
  }
  AtTheEdge<v1::hints, cdsr_hints> hints;
  hints->cut = hints->discontinuity = 0;
  hints->time = 0;
  AtTheEdge<v1::frame_info, cdsr_frame_info> info;
  ASSERT_EQ(cdsr_session_process(session, in.now(), out.now(), hints.now(), info.now()), CDSR_OK)
      << cdsr_session_error(session);
  EXPECT_EQ(out->range, CDSR_RANGE_FULL);
  EXPECT_EQ(out->version, 1U);
  EXPECT_EQ(out->plane[0], large.data());
  EXPECT_EQ(info->version, 1U);
  EXPECT_EQ(info->new_shot, 1);
  EXPECT_GT(info->total_ms, 0);
  EXPECT_TRUE(info.alone(sizeof(v1::frame_info)));

  options->strength = 0;
  ASSERT_EQ(cdsr_session_set_options(session, options.now()), CDSR_OK) << cdsr_session_error(session);
  ASSERT_EQ(cdsr_session_process(session, in.now(), out.now(), nullptr, info.now()), CDSR_OK);
  EXPECT_EQ(info->bicubic, 1);

  AtTheEdge<v1::stats, cdsr_stats> stats;
  ASSERT_EQ(cdsr_session_get_stats(session, stats.now()), CDSR_OK);
  EXPECT_EQ(stats->version, 1U);
  EXPECT_EQ(stats->frames, 1);
  EXPECT_EQ(stats->bicubic_frames, 1);
  EXPECT_TRUE(stats.alone(sizeof(v1::stats)));

  cdsr_model* model = nullptr;
  ASSERT_EQ(cdsr_model_open(&model, name.c_str(), 2), CDSR_OK);
  AtTheEdge<v1::model_info, cdsr_model_info> model_info;
  ASSERT_EQ(cdsr_model_get_info(model, model_info.now()), CDSR_OK);
  EXPECT_EQ(model_info->version, 1U);
  EXPECT_EQ(model_info->scale, 2);
  EXPECT_TRUE(model_info.alone(offsetof(v1::model_info, query) + sizeof(int32_t)));
  cdsr_model_unref(&model);
  cdsr_session_destroy(&session);
}

}  // namespace
}  // namespace cdsr::test
