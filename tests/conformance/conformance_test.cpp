// Every backend that is available here, in every precision it has, against the reference and against the
// rules of engine.h and picture_rows.h. A backend added to registry.cpp is held to them without a change
// here.
//
//   conformance_test --backend=NAME   that one alone; fails if it cannot run here
//
// A failing case ends with the line that repeats it. fp8, which has no single operators, is tested where it
// lives (tests/cuda).
#include <gtest/gtest.h>

#include <cstring>

#include "model/error.h"
#include "tests/conformance/checks.h"

namespace cdsr::conformance {
namespace {

const char* only_backend = nullptr;  ///< --backend, before InitGoogleTest() asks for the cases

std::vector<const Backend*> chosen() {
  std::vector<const Backend*> all;
  std::string reason;
  for (const Backend& b : backends())
    if (only_backend == nullptr ? b.available(reason) : b.name == std::string(only_backend))
      all.push_back(&b);
  return all;
}

/// A backend in a precision, with a case if the check has cases.
template <typename Case>
struct Subject {
  const Backend* backend;
  Precision precision;
  Case c;
};

std::string to_string(int scale) { return fmt::format("x{}", scale); }
struct NoCase {};

template <typename Case>
std::string to_string(const Subject<Case>& s) {
  const std::string subject = fmt::format("{}_{}", s.backend->name, cdsr::to_string(s.precision));
  if constexpr (std::is_same_v<Case, NoCase>)
    return subject;
  else
    return fmt::format("{}_{}", subject, to_string(s.c));
}
template <typename Case>
std::ostream& operator<<(std::ostream& out, const Subject<Case>& s) {
  return out << to_string(s);
}

/// The reference is what others are compared with: comparing it with itself would prove nothing.
template <typename Case>
std::vector<Subject<Case>> subjects(const std::vector<Case>& cases, bool with_reference) {
  std::vector<Subject<Case>> all;
  for (const Backend* backend : chosen()) {
    if (!with_reference && backend == &backends().back()) continue;
    for (Precision precision : precisions(*backend))
      for (const Case& c : cases) all.push_back({backend, precision, c});
  }
  return all;
}

template <typename Case>
class Conformance : public testing::TestWithParam<Subject<Case>> {
 protected:
  /// `check(backend, precision, case)` has nothing to complain of.
  template <typename Check>
  void hold(Check&& check) {
    const Subject<Case>& s = this->GetParam();
    for (const std::string& complaint : check(*s.backend, s.precision, s.c)) ADD_FAILURE() << complaint;
  }
  void TearDown() override {
    if (!this->HasFailure()) return;
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    fmt::print("repeat: conformance_test --backend={} --gtest_filter={}.{}\n", this->GetParam().backend->name,
               test.test_suite_name(), test.name());
  }
};

template <typename Case>
std::string case_name(const testing::TestParamInfo<Subject<Case>>& info) {
  return to_string(info.param);
}

using OperatorConformance = Conformance<OperatorCase>;
TEST_P(OperatorConformance, EqualsTheReference) {
  hold([](const auto&... args) { return check(args...); });
}
INSTANTIATE_TEST_SUITE_P(All, OperatorConformance, testing::ValuesIn(subjects(operator_cases(), false)),
                         case_name<OperatorCase>);

using NetworkConformance = Conformance<NetworkCase>;
TEST_P(NetworkConformance, EqualsTheReference) {
  hold([](const auto&... args) { return check(args...); });
}
INSTANTIATE_TEST_SUITE_P(All, NetworkConformance, testing::ValuesIn(subjects(network_cases(), false)),
                         case_name<NetworkCase>);

class ThreadConformance : public Conformance<NetworkCase> {};
TEST_P(ThreadConformance, BitsDoNotDependOnThreadsOrRuns) { hold(check_threads); }
INSTANTIATE_TEST_SUITE_P(All, ThreadConformance, testing::ValuesIn(subjects(large_cases(), false)),
                         case_name<NetworkCase>);

class RowConformance : public Conformance<int> {};
TEST_P(RowConformance, RowsComeOnceWithTheirContext) { hold(check_rows); }
INSTANTIATE_TEST_SUITE_P(All, RowConformance, testing::ValuesIn(subjects(std::vector{2, 3, 4}, true)),
                         case_name<int>);

class CallConformance : public Conformance<NoCase> {};
TEST_P(CallConformance, OrderAndSpansAreChecked) {
  hold([](const Backend& backend, Precision precision, NoCase) { return check_calls(backend, precision); });
}
INSTANTIATE_TEST_SUITE_P(All, CallConformance, testing::ValuesIn(subjects(std::vector<NoCase>(1), true)),
                         case_name<NoCase>);

// The reference is always there, so a build without another backend proves that this list is not empty.
TEST(Backends, HaveAPrecision) {
  for (const Backend* backend : chosen()) EXPECT_FALSE(precisions(*backend).empty()) << backend->name;
}

/// Why --backend=name cannot be served, or "".
std::string refusal(const char* name) {
  std::string names, reason;
  for (const Backend& b : backends()) {
    names += std::string(names.empty() ? "" : ", ") + b.name;
    if (b.name != std::string(name)) continue;
    return b.available(reason) ? "" : fmt::format("backend {} cannot run here: {}", name, reason);
  }
  return fmt::format("no backend is named '{}': this build has {}", name, names);
}

}  // namespace
}  // namespace cdsr::conformance

int main(int argc, char** argv) {
  constexpr char kOption[] = "--backend=";
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], kOption, sizeof kOption - 1) != 0) continue;
    cdsr::conformance::only_backend = argv[i] + sizeof kOption - 1;
    const std::string why_not = cdsr::conformance::refusal(cdsr::conformance::only_backend);
    if (!why_not.empty()) {
      fmt::print(stderr, "conformance_test: {}\n", why_not);
      return 2;
    }
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
