#include "tools/onnx/export_onnx.h"

#include <limits>

#include "model/bicubic.h"
#include "model/error.h"
#include "model/normalize_window.h"
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

 protected:
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
    f = shuffle(conv(n_.tail, f));
    return n_.config.skip == Skip::Bicubic ? add(f, bicubic(picture)) : f;
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

  Value shuffle(const Value& x) {
    return g_.node("DepthToSpace", {x}, {whole("blocksize", n_.config.scale), word("mode", "CRD")});
  }

  /// As one 5x5 convolution of each plane to its scale^2 phases: taps -2..2 hold the four of every phase.
  Value bicubic(const Value& picture) {
    const int64_t s = n_.config.scale;
    std::vector<float> weight(static_cast<size_t>(3 * s * s * 25));
    for (int64_t c = 0, at = 0; c < 3; ++c)
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
    return shuffle(g_.node("Conv", {padded, g_.constant({3 * s * s, 1, 5, 5}, weight)},
                           {list("kernel_shape", {5, 5}), whole("group", 3)}));
  }

  const Network& n_;
  int64_t nf_;
  Value queries_;
  int64_t dqa_ = 0;
  std::vector<Value> means_;
};

}  // namespace

std::vector<std::filesystem::path> write_onnx(const Network& network,
                                              const std::map<std::string, std::string>& metadata,
                                              const std::filesystem::path& path) {
  const CdsrConfig& c = network.config;
  if (c.body == Body::Stack)
    fail(Errc::Unsupported,
         "{} has experts, which depend on the shot: `cdsr export --onnx` writes no graph of it", c.name);
  std::vector<std::filesystem::path> files;
  const auto finish = [&](Graph& graph, const char* suffix) {
    for (const auto& [key, text] : metadata) graph.describe(key, text);
    files.push_back(path.string() + suffix);
    graph.write(files.back());
  };

  Graph embedding("embedding");
  const Value picture = embedding.input("picture", {"N", 3, "H", "W"});
  embedding.output("embedding", {"N", c.embedding()}, EmbeddingNet(embedding)(network, picture));
  finish(embedding, "-embedding.onnx");

  for (const bool shot : {false, true}) {
    Graph graph(shot ? "sr-shot" : "sr");
    const Value lr = graph.input("picture", {1, 3, "H", "W"});
    const Value e = graph.input("embedding", {1, c.embedding()});
    SrNet net(graph, network, shot ? graph.input("queries", {c.dqas(), c.nf}) : Value());
    graph.output("upscaled", {1, 3, "sH", "sW"}, net(lr, e));
    if (!shot) graph.output("queries", {c.dqas(), c.nf}, net.means());
    finish(graph, shot ? "-sr-shot.onnx" : "-sr.onnx");
  }
  return files;
}

}  // namespace cdsr::onnx_export
