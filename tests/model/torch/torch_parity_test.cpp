// LibTorch modules against the reference backend: names, layers, the whole network.
#include <gtest/gtest.h>
#include <torch/torch.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "model/config.h"
#include "model/error.h"
#include "model/reference/reference.h"
#include "model/registry.h"
#include "model/torch/cdsr.h"

namespace cdsr {
namespace {

/// max |a - b| over max |b|: what fp32 with another order of summation may differ by, layer by layer.
double relative(const float* a, const float* b, size_t n) {
  double diff = 0, scale = 0;
  for (size_t i = 0; i < n; ++i) {
    diff = std::max(diff, std::fabs(static_cast<double>(a[i]) - b[i]));
    scale = std::max(scale, std::fabs(static_cast<double>(b[i])));
  }
  EXPECT_GT(scale, 0) << "a test on zeros proves nothing";
  return diff / scale;
}

torch::Tensor random(const std::vector<int64_t>& shape, double low = -1, double high = 1) {
  return torch::rand(shape) * (high - low) + low;
}

std::vector<float> values(const torch::Tensor& t) {
  const torch::Tensor c = t.contiguous();
  return {c.data_ptr<float>(), c.data_ptr<float>() + c.numel()};
}

CdsrConfig tiny(Body body, int scale) {
  CdsrConfig c = config_by_name("cdsr-rt-dqa", scale);
  c.body = body;
  c.skip = body == Body::Rrdb ? Skip::None : Skip::Bicubic;
  c.nf = 16;
  c.gc = 8;
  c.lpe_nf = 8;
  c.codebook = 32;
  return c;
}

/// The same random weights as LibTorch module and as engine network.
struct Both {
  explicit Both(const CdsrConfig& config) : module(config), network(random_network(config, 7)) {
    const auto path = std::filesystem::temp_directory_path() /
                      fmt::format("cdsr-torch-parity-{}-{}.safetensors", ::getpid(), config.name);
    write_weights(path, random_tensors(config, 7), {{"cdsr.config", to_json(config)}}, DType::F32);
    nn::load_state(module, WeightsFile::open(path));
    std::filesystem::remove(path);
    module->eval();
    EngineOptions options;
    options.query = Query::Frame;
    engine = create_engine(network, options, "reference");
    operators = reference::operators(options);
  }
  nn::Cdsr module;
  std::shared_ptr<const Network> network;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Operators> operators;
};

class Family : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(Family, NamedParametersAreTheTensorList) {
  const CdsrConfig config = config_by_name(std::get<0>(GetParam()), std::get<1>(GetParam()));
  const nn::Cdsr module(config);
  std::vector<TensorSpec> expected;
  for (const TensorSpec& t : tensor_list(config))
    if (t.kind != TensorKind::Buffer) expected.push_back(t);
  const auto parameters = module->named_parameters();
  ASSERT_EQ(parameters.size(), expected.size());
  int64_t count = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(parameters[i].key(), expected[i].name);
    EXPECT_EQ(parameters[i].value().sizes().vec(), expected[i].shape) << expected[i].name;
    count += parameters[i].value().numel();
  }
  EXPECT_EQ(count, parameter_count(config));
}

INSTANTIATE_TEST_SUITE_P(All, Family,
                         testing::Combine(testing::ValuesIn(config_names()), testing::Values(2, 3, 4)));

TEST(TorchParity, StateRoundTrips) {
  Both both(tiny(Body::Rrdb, 2));
  const auto expected = random_tensors(both.network->config, 7);
  const auto found = nn::state(both.module);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].name, expected[i].name);
    EXPECT_EQ(found[i].values, expected[i].values) << found[i].name;
  }
}

TEST(TorchParity, DqaMatchesLayerByLayer) {
  torch::NoGradGuard no_grad;
  Both both(tiny(Body::Rrdb, 2));
  const int nf = 16, h = 9, w = 13;
  const torch::Tensor x = random({1, nf, h, w}), y = random({1, nf}, 0, 1), q = random({1, nf});
  auto dqa = both.module->sr->blocks[0]->as<nn::Block>()->dqa1;
  const Dqa& weights = both.network->blocks[0].dqa[0];

  std::vector<float> gate(nf), filter(static_cast<size_t>(nf) * 9);
  both.operators->dqa_vectors(weights, values(y), values(q), gate, filter);
  EXPECT_LT(relative(values(dqa->filters(y, q)).data(), filter.data(), filter.size()), 1e-5);

  std::vector<float> in = values(x), out(in.size());
  both.operators->dqa(weights, gate, filter, {nf, h, w, in.data()}, {nf, h, w, out.data()});
  const torch::Tensor expected = torch::leaky_relu(dqa->forward(x, y, q), kFuseSlope);
  EXPECT_LT(relative(values(expected).data(), out.data(), out.size()), 1e-5);
}

TEST(TorchParity, DenseBlockMatches) {
  torch::NoGradGuard no_grad;
  Both both(tiny(Body::Rrdb, 2));
  const torch::Tensor x = random({1, 16, 7, 11});
  std::vector<float> in = values(x), out(in.size());
  both.operators->dense_block(both.network->blocks[0].rdb[1], {16, 7, 11, in.data()},
                              {16, 7, 11, out.data()});
  const torch::Tensor expected = both.module->sr->blocks[0]->as<nn::Block>()->rdb2->forward(x);
  EXPECT_LT(relative(values(expected).data(), out.data(), out.size()), 1e-5);
}

struct Whole {
  Body body;
  int scale, width, height;
};

class WholeNetwork : public testing::TestWithParam<Whole> {};

TEST_P(WholeNetwork, EmbeddingAndPictureMatch) {
  torch::NoGradGuard no_grad;
  const Whole p = GetParam();
  Both both(tiny(p.body, p.scale));
  const torch::Tensor lr = random({1, 3, p.height, p.width}, 0, 1);
  Image in(p.width, p.height), out(p.width * p.scale, p.height * p.scale);
  for (int c = 0; c < 3; ++c) in.plane[c] = values(lr.select(1, c));

  both.engine->plan(p.width, p.height);
  std::vector<float> embedding(static_cast<size_t>(both.network->config.embedding()));
  both.engine->embed(ImageSource(in), embedding);
  EXPECT_LT(relative(values(both.module->encoder->embed(lr)).data(), embedding.data(), embedding.size()),
            1e-5);

  both.engine->condition(embedding);
  ImageSink sink(out);
  both.engine->upscale(ImageSource(in), sink);
  const torch::Tensor expected = both.module->forward(lr);
  for (int c = 0; c < 3; ++c)
    EXPECT_LT(relative(values(expected.select(1, c)).data(), out.plane[c].data(), out.plane[c].size()), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Tiny, WholeNetwork,
                         testing::Values(Whole{Body::Plain, 2, 29, 31}, Whole{Body::Plain, 3, 24, 13},
                                         Whole{Body::Plain, 4, 17, 12}, Whole{Body::Rrdb, 2, 25, 14},
                                         Whole{Body::Rrdb, 3, 13, 29}, Whole{Body::Rrdb, 4, 11, 15},
                                         Whole{Body::Plain, 2, 1, 1}, Whole{Body::Rrdb, 2, 11, 11},
                                         Whole{Body::Plain, 2, 230, 170}));  // windows

TEST(TorchParity, BicubicOfARampIsTheRamp) {
  const torch::Tensor ramp = torch::arange(0, 16, torch::kFloat).reshape({1, 1, 1, 16}).repeat({1, 1, 8, 1});
  for (int s = 2; s <= 4; ++s) {
    const torch::Tensor up = nn::bicubic(ramp, s);
    // Away from the replicated edge, output sample j lies at (j + 0.5) / s - 0.5.
    for (int64_t j = int64_t{3} * s; j < int64_t{13} * s; ++j)
      EXPECT_NEAR(up[0][0][s][j].item<float>(), (static_cast<double>(j) + 0.5) / s - 0.5, 1e-4);
  }
}

TEST(TorchParity, WrongFileIsNamed) {
  const CdsrConfig config = tiny(Body::Plain, 2);
  auto tensors = random_tensors(config, 3);
  tensors.pop_back();
  const auto path =
      std::filesystem::temp_directory_path() / fmt::format("cdsr-short-{}.safetensors", ::getpid());
  write_weights(path, tensors, {}, DType::F32);
  nn::Cdsr module(config);
  try {
    nn::load_state(module, WeightsFile::open(path));
    FAIL() << "a missing tensor was accepted";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("sr.tail.bias"), std::string::npos) << e.what();
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace cdsr
