// The stack's own forward and backward in oneDNN's layout against LibTorch's operators.
#include "model/torch/stack.h"

#include <gtest/gtest.h>

#include "model/config.h"
#include "model/torch/autocast.h"
#include "model/torch/stack_cpu.h"

namespace cdsr::nn {
namespace {

CdsrConfig config(int scale, int blocks) {
  CdsrConfig c = config_by_name("cdsr-rt", scale);
  c.nf = 16;
  c.blocks = blocks;
  c.experts = 3;
  return c;
}

/// Head, blocks, tail and code, as parameters that can be compared.
struct Net : torch::nn::Module {
  explicit Net(const CdsrConfig& c) {
    head = register_module("head", ExpertConv(c, c.channels(), c.nf, 1));
    for (int i = 0; i < c.blocks; ++i) blocks->push_back(StackBlock(c));
    register_module("blocks", blocks);
    tail = register_module("tail", ExpertConv(c, c.nf, int64_t{c.channels()} * c.scale * c.scale, 1));
    code = register_parameter("code", torch::randn({2, c.embedding()}));
  }
  torch::Tensor forward(const torch::Tensor& x) { return stack_forward(head, blocks, tail, x, code, 1); }

  ExpertConv head{nullptr}, tail{nullptr};
  torch::nn::ModuleList blocks;
  torch::Tensor code;
};

/// Largest difference over the largest value.
double relative(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a - b).abs().max() / b.abs().max()).item<double>();
}

class StackCpu : public testing::TestWithParam<std::tuple<bool, int, int, int>> {};

TEST_P(StackCpu, EqualsLibTorchsOperatorsButForRounding) {
  const auto [bf16, blocks, height, width] = GetParam();
  torch::manual_seed(3);
  Net net(config(2, blocks));
  const torch::Tensor x = torch::rand({6, 1, height, width}), target = torch::rand({6, 4, height, width});
  if (!stack_cpu_takes(x, {{net.head->weight[0], net.tail->weight[0], net.tail->weight[0]}, {}}))
    GTEST_SKIP() << "this processor has no AVX2";
  const auto run = [&](torch::Dtype type) {  // of doubles LibTorch's operators take care
    net.to(type);
    net.zero_grad();
    torch::Tensor y;
    {
      const Autocast autocast(bf16 && type == torch::kFloat, torch::kCPU);
      y = net.forward(x.to(type));
    }
    (y - target).square().mean().backward();
    std::vector<torch::Tensor> out = {y.detach().to(torch::kDouble)};
    for (const auto& p : net.parameters()) out.push_back(p.grad().to(torch::kDouble));
    return out;
  };
  const auto fused = run(torch::kFloat), plain = run(torch::kDouble);
  EXPECT_GT((fused[0] - plain[0]).abs().max().item<double>(), 0) << "doubles ran both times";
  for (size_t i = 0; i < plain.size(); ++i)
    EXPECT_LT(relative(fused[i], plain[i]), bf16 ? 0.06 : 1e-4)
        << (i == 0 ? "output" : net.named_parameters()[i - 1].key());
}

INSTANTIATE_TEST_SUITE_P(Sizes, StackCpu,
                         testing::Values(std::tuple{true, 1, 8, 8}, std::tuple{true, 2, 17, 13},
                                         std::tuple{true, 5, 48, 40}, std::tuple{false, 1, 8, 8},
                                         std::tuple{false, 2, 17, 13}, std::tuple{false, 5, 48, 40}));

TEST(Stack, OneSetHearsNoCode) {
  CdsrConfig c = config(3, 2);
  c.experts = 1;
  Net net(c);
  const torch::Tensor x = torch::rand({2, 1, 9, 9});
  const torch::NoGradGuard no_grad;
  const torch::Tensor before = net.forward(x);
  net.code.mul_(7);
  EXPECT_TRUE(torch::equal(before, net.forward(x)));
}

TEST(Stack, EachShotHasItsWeights) {
  Net net(config(2, 2));
  const torch::Tensor x = torch::rand({4, 1, 9, 9});
  const torch::NoGradGuard no_grad;
  const torch::Tensor both = net.forward(x);
  const torch::Tensor code = net.code.clone();
  for (int64_t s = 0; s < 2; ++s) {
    net.code.set_data(code.narrow(0, s, 1));
    EXPECT_TRUE(torch::allclose(both.narrow(0, 2 * s, 2), net.forward(x.narrow(0, 2 * s, 2)), 1e-5, 1e-6));
  }
  EXPECT_FALSE(torch::allclose(both.narrow(0, 0, 1), both.narrow(0, 2, 1), 1e-3, 1e-3));
}

}  // namespace
}  // namespace cdsr::nn
