#include "tools/onnx/export_onnx.h"

#include <limits>

#include "model/bicubic.h"
#include "model/error.h"
#include "model/normalize_window.h"
#include "model/vectors.h"
#include "tools/onnx/graph.h"

namespace cdsr::onnx_export {
namespace {

/// The layers of network.h as nodes of one graph.
class Layers {
 public:
  explicit Layers(Graph& graph) : g_(graph) {}

  Value conv(const Conv& c, const Value& x) {
    return g_.node(
        "Conv", {x, g_.constant({c.out, c.in, c.kernel, c.kernel}, c.weight), g_.constant({c.out}, c.bias)},
        {list("kernel_shape", {c.kernel, c.kernel}), list("strides", {c.stride, c.stride}),
         list("pads", {c.padding, c.padding, c.padding, c.padding})});
  }
  /// x: N x in.
  Value linear(const Linear& l, const Value& x) {
    std::vector<Value> inputs = {x, g_.constant({l.out, l.in}, l.weight)};
    if (!l.bias.empty()) inputs.push_back(g_.constant({l.out}, l.bias));
    return g_.node("Gemm", inputs, {whole("transB", 1)});
  }
  Value lrelu(const Value& x, float slope) { return g_.node("LeakyRelu", {x}, {real("alpha", slope)}); }
  Value mean(const Value& x) {
    return g_.node("ReduceMean", {x}, {list("axes", {2, 3}), whole("keepdims", 0)});
  }
  Value reshape(const Value& x, const std::vector<int64_t>& shape) {
    return g_.node("Reshape", {x, g_.constant(shape)});
  }
  Value add(const Value& a, const Value& b) { return g_.node("Add", {a, b}); }
  Value mul(const Value& a, const Value& b) { return g_.node("Mul", {a, b}); }
  /// The network's end: features or the tail's output to the picture, over the skip.
  Value finish(const CdsrConfig& config, const Value& tail, const Value& picture) {
    const Value f = shuffle(tail, config.scale);
    return config.skip == Skip::Bicubic ? add(f, bicubic(config, picture)) : f;
  }

 protected:
  Value shuffle(const Value& x, int64_t scale) {
    return g_.node("DepthToSpace", {x}, {whole("blocksize", scale), word("mode", "CRD")});
  }

  /// As one 5x5 convolution of each plane to its scale^2 phases: taps -2..2 hold the four of every phase.
  Value bicubic(const CdsrConfig& config, const Value& picture) {
    const int64_t s = config.scale, channels = config.channels();
    std::vector<float> weight(static_cast<size_t>(channels * s * s * 25));
    for (int64_t c = 0, at = 0; c < channels; ++c)
      for (int py = 0; py < s; ++py)
        for (int px = 0; px < s; ++px, at += 25) {
          const BicubicPhase v = bicubic_phase(static_cast<int>(s), py);
          const BicubicPhase h = bicubic_phase(static_cast<int>(s), px);
          for (int ty = 0; ty < 4; ++ty)
            for (int tx = 0; tx < 4; ++tx)
              weight[static_cast<size_t>(at + int64_t{5} * (v.first + ty + 2) + h.first + tx + 2)] =
                  v.weight[ty] * h.weight[tx];
        }
    const Value padded =
        g_.node("Pad", {picture, g_.constant({0, 0, 2, 2, 0, 0, 2, 2})}, {word("mode", "edge")});
    return shuffle(g_.node("Conv", {padded, g_.constant({channels * s * s, 1, 5, 5}, weight)},
                           {list("kernel_shape", {5, 5}), whole("group", channels)}),
                   s);
  }

  Graph& g_;
};

class EmbeddingNet : public Layers {
 public:
  using Layers::Layers;

  Value operator()(const Network& n, const Value& picture) {
    const Encoder& e = n.encoder;
    const Value seen = n.config.lpe_input == LpeInput::Normalized ? normalized(picture) : picture;
    Value pixel = seen;
    for (const Conv& c : e.pixel) pixel = lrelu(conv(c, pixel), kEncoderSlope);
    const Value features = g_.node("Concat", {mean(pixel), patch_features(e, seen)}, {whole("axis", 1)});
    const Value q = linear(e.query, linear(e.mlp1, lrelu(linear(e.mlp0, features), kEncoderSlope)));
    const Value attention = g_.node("Softmax", {linear(e.keys, q)}, {whole("axis", 1)});
    return g_.node("MatMul", {attention, g_.constant({e.keys.out, e.keys.in}, e.codebook)});
  }

 private:
  /// normalize_window.h.
  Value normalized(const Value& x) {
    const Value centred = g_.node("Sub", {x, g_.node("ReduceMean", {x}, {list("axes", {1, 2, 3})})});
    const Value detail = add(add(mean_square_difference(x, 2), mean_square_difference(x, 3)),
                             g_.scalar(static_cast<float>(kNormalizedFloor)));
    return g_.node(
        "Div", {mul(centred, g_.scalar(static_cast<float>(kNormalizedContrast))), g_.node("Sqrt", {detail})});
  }
  /// Along an axis, N x 1 x 1 x 1; 0 where the axis has one pixel.
  Value mean_square_difference(const Value& x, int64_t axis) {
    const Value d =
        g_.node("Sub", {slice(x, 1, std::numeric_limits<int64_t>::max(), axis), slice(x, 0, -1, axis)});
    const Value sum = g_.node("ReduceSum", {mul(d, d), g_.constant({1, 2, 3})});
    const Value sides = slice(g_.node("Shape", {d}), 1, 4, 0);
    const Value count =
        g_.node("Cast", {g_.node("ReduceProd", {sides}, {whole("keepdims", 1)})}, {whole("to", 1)});
    return g_.node("Div", {sum, g_.node("Max", {count, g_.scalar(1)})});
  }
  Value slice(const Value& x, int64_t begin, int64_t end, int64_t axis) {
    return g_.node("Slice", {x, g_.constant({begin}), g_.constant({end}), g_.constant({axis})});
  }

  /// A picture with a side under kPatch has no patches, which no convolution can say: it is padded to one
  /// patch, and the result multiplied by 0.
  Value patch_features(const Encoder& e, const Value& picture) {
    const Value size = slice(g_.node("Shape", {picture}), 2, 4, 0);
    const Value lack =
        g_.node("Max", {g_.node("Sub", {g_.constant({kPatch, kPatch}), size}), g_.constant({0, 0})});
    const Value pads = g_.node("Concat", {g_.constant({0, 0, 0, 0, 0, 0}), lack}, {whole("axis", 0)});
    const Value lacking = g_.node("ReduceMax", {lack}, {whole("keepdims", 1)});
    const Value enough = g_.node("Cast", {g_.node("Equal", {lacking, g_.constant({0})})}, {whole("to", 1)});
    Value patch = g_.node("Pad", {picture, pads});
    for (const Conv& c : e.patch) patch = lrelu(conv(c, patch), kEncoderSlope);
    return mul(mean(patch), enough);
  }
};

class SrNet : public Layers {
 public:
  /// queries: an input of the graph, or empty to take each DQA's own mean.
  SrNet(Graph& graph, const Network& network, Value queries)
      : Layers(graph), n_(network), nf_(network.config.nf), queries_(std::move(queries)) {}

  Value operator()(const Value& picture, const Value& embedding) {
    Value code = embedding;
    for (int i = 0; i < 4; ++i) code = lrelu(linear(n_.compress[i], code), n_.compress_slope[i]);
    const Value f0 = conv(n_.head, picture);
    Value f = f0;
    for (const Block& b : n_.blocks) f = block(b, f, code);
    if (n_.config.body == Body::Rrdb) f = add(conv(n_.trunk, f), f0);
    return finish(n_.config, conv(n_.tail, f), picture);
  }

  /// The means of all DQAs' inputs, DQAs x nf; after the call above, without given queries.
  Value means() { return g_.node("Concat", means_, {whole("axis", 0)}); }

 private:
  Value block(const Block& b, const Value& x, const Value& code) {
    const Value y =
        g_.node("Sigmoid", {linear(b.modulation1, lrelu(linear(b.modulation0, code), b.modulation_slope))});
    Value t = lrelu(dqa(b.dqa[0], x, y), kFuseSlope);
    if (n_.config.body == Body::Plain) return add(conv(b.conv2, lrelu(conv(b.conv1, t), kFuseSlope)), x);
    t = lrelu(conv(b.conv1, t), kFuseSlope);
    t = lrelu(dqa(b.dqa[1], t, y), kFuseSlope);
    t = add(conv(b.conv2, t), x);
    for (const DenseBlock& r : b.rdb) t = dense(r, t);
    return add(mul(t, g_.scalar(kResidualScale)), x);
  }

  Value dense(const DenseBlock& r, const Value& x) {
    Value all = x;
    for (int i = 0; i < 4; ++i)
      all = g_.node("Concat", {all, lrelu(conv(r.conv[i], all), kDenseSlope)}, {whole("axis", 1)});
    return add(mul(conv(r.conv[4], all), g_.scalar(kResidualScale)), x);
  }

  Value query(const Value& x) {
    if (!queries_.empty()) return g_.node("Gather", {queries_, g_.constant({dqa_++})}, {whole("axis", 0)});
    means_.push_back(mean(x));
    return means_.back();
  }

  Value dqa(const Dqa& d, const Value& x, const Value& y) {
    const Value q = reshape(linear(d.query, query(x)), {nf_, 1});
    const Value a = g_.node("Softmax", {g_.node("MatMul", {q, linear(d.key, y)})}, {whole("axis", 1)});
    const Value attended = reshape(g_.node("MatMul", {a, reshape(linear(d.value, y), {nf_, 1})}), {1, nf_});
    const Value e = add(mul(attended, g_.scalar(d.gamma)), y);
    const Value filter = reshape(linear(d.kernel1, lrelu(linear(d.kernel0, e), kFuseSlope)), {nf_, 1, 3, 3});
    const Value filtered = g_.node(
        "Conv", {x, filter}, {list("kernel_shape", {3, 3}), list("pads", {1, 1, 1, 1}), whole("group", nf_)});
    const Value s = g_.node("Sigmoid", {linear(d.gate1, lrelu(linear(d.gate0, y), kFuseSlope))});
    return add(conv(d.conv, lrelu(filtered, kFuseSlope)), mul(x, reshape(s, {1, nf_, 1, 1})));
  }

  const Network& n_;
  int64_t nf_;
  Value queries_;
  int64_t dqa_ = 0;
  std::vector<Value> means_;
};

/// Body::Stack with the weights of a shot.
class StackNet : public Layers {
 public:
  using Layers::Layers;

  Value operator()(const CdsrConfig& config, std::span<const Conv> convs, const Value& picture) {
    const Value first = lrelu(conv(convs.front(), picture), kFuseSlope);
    Value f = first;
    for (int i = 1; i <= config.blocks; ++i) {
      f = conv(convs[static_cast<size_t>(i)], f);
      if (i == config.blocks) f = add(f, first);
      f = lrelu(f, kFuseSlope);
    }
    return finish(config, conv(convs.back(), f), picture);
  }
};

/// Describes and writes a graph; returns the file's name.
std::filesystem::path write(Graph& graph, const std::map<std::string, std::string>& metadata,
                            const std::filesystem::path& path, const char* suffix) {
  for (const auto& [key, text] : metadata) graph.describe(key, text);
  std::filesystem::path file = path.string() + suffix;
  graph.write(file);
  return file;
}

}  // namespace

std::vector<std::filesystem::path> write_onnx(const Network& network,
                                              const std::map<std::string, std::string>& metadata,
                                              const std::filesystem::path& path) {
  const CdsrConfig& c = network.config;
  if (c.body == Body::Stack)
    fail(Errc::InvalidArgument,
         "{}'s weights depend on the shot: --embedding must say of which, a picture's name or zero", c.name);
  std::vector<std::filesystem::path> files;

  Graph embedding("embedding");
  const Value picture = embedding.input("picture", {"N", 3, "H", "W"});
  embedding.output("embedding", {"N", c.embedding()}, EmbeddingNet(embedding)(network, picture));
  files.push_back(write(embedding, metadata, path, "-embedding.onnx"));

  for (const bool shot : {false, true}) {
    Graph graph(shot ? "sr-shot" : "sr");
    const Value lr = graph.input("picture", {1, 3, "H", "W"});
    const Value e = graph.input("embedding", {1, c.embedding()});
    SrNet net(graph, network, shot ? graph.input("queries", {c.dqas(), c.nf}) : Value());
    graph.output("upscaled", {1, 3, "sH", "sW"}, net(lr, e));
    if (!shot) graph.output("queries", {c.dqas(), c.nf}, net.means());
    files.push_back(write(graph, metadata, path, shot ? "-sr-shot.onnx" : "-sr.onnx"));
  }
  return files;
}

std::filesystem::path write_mixed_onnx(const Network& network, std::span<const float> embedding,
                                       float sharpness, const std::map<std::string, std::string>& metadata,
                                       const std::filesystem::path& path) {
  const CdsrConfig& c = network.config;
  if (c.body != Body::Stack)
    fail(Errc::InvalidArgument, "{} takes the embedding as an input: --embedding must not be given", c.name);
  if (sharpness > 0 && !c.sharp)
    fail(Errc::InvalidArgument, "--sharpness {}: must be 0, this {} was not trained for another", sharpness,
         c.name);
  Conditioner conditioner(network);
  conditioner.condition(embedding, sharpness);
  // Without experts there is nothing to mix.
  std::vector<Conv> convs(conditioner.convs().begin(), conditioner.convs().end());
  if (convs.empty())
    for (const Conv* conv : stack_convs(network)) convs.push_back(*conv);
  Graph graph("sr");
  const Value lr = graph.input("picture", {1, c.channels(), "H", "W"});
  graph.output("upscaled", {1, c.channels(), "sH", "sW"}, StackNet(graph)(c, convs, lr));
  return write(graph, metadata, path, "-sr.onnx");
}

}  // namespace cdsr::onnx_export
