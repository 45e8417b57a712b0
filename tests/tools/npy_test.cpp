#include "tools/media/npy.h"

#include <gtest/gtest.h>

#include <fstream>

#include "model/error.h"
#include "tests/model/temp_folder.h"

namespace cdsr::tools {
namespace {

TEST(Npy, IsNumPysFormat) {
  const TempFolder folder;
  const auto path = folder.path() / "a.npy";
  const std::vector<float> values = {0, 1, -2.5F, 3, 4, 5};
  for (const auto& [shape, text] :
       {std::pair<std::vector<int64_t>, std::string>{{1, 2, 3}, "(1, 2, 3)"}, {{6}, "(6,)"}}) {
    write_npy(path, shape, values);
    std::ifstream in(path, std::ios::binary);
    const std::string file{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(file.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
    const size_t header =
        10 + static_cast<unsigned char>(file[8]) + 256 * static_cast<unsigned char>(file[9]);
    EXPECT_EQ(header % 64, 0U);
    EXPECT_EQ(file[header - 1], '\n');
    EXPECT_NE(file.find("{'descr': '<f4', 'fortran_order': False, 'shape': " + text), std::string::npos);
    ASSERT_EQ(file.size(), header + 24);
    EXPECT_EQ(file.substr(header), std::string(reinterpret_cast<const char*>(values.data()), 24));
  }
}

TEST(Npy, Errors) {
  EXPECT_THROW(write_npy("/nowhere/a.npy", {1}, std::vector<float>{1}), Error);
  EXPECT_THROW(write_npy("a.npy", {2}, std::vector<float>{1}), Error);
}

}  // namespace
}  // namespace cdsr::tools
