// An ONNX model under construction: nodes named as they come, weights as initializers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace onnx {
class ModelProto;
class NodeProto;
}  // namespace onnx

namespace cdsr::onnx_export {

/// A value of the graph, by its name in it.
using Value = std::string;

/// A size of an input or output: a number, or the name of a size that is free.
struct Side {
  Side(int64_t n) : number(n) {}            // NOLINT(google-explicit-constructor): for lists of sides
  Side(const char* text) : symbol(text) {}  // NOLINT(google-explicit-constructor)
  int64_t number = 0;
  std::string symbol;
};

/// One attribute of a node. A whole number, a list of them, a float or a word.
struct Attribute {
  enum class Kind { Int, Ints, Float, String } kind;
  std::string name;
  int64_t i = 0;
  std::vector<int64_t> ints;
  float f = 0;
  std::string s;
};
Attribute whole(std::string name, int64_t value);
Attribute list(std::string name, std::vector<int64_t> values);
Attribute real(std::string name, float value);
Attribute word(std::string name, std::string value);

class Graph {
 public:
  /// Opset 13, IR version 7.
  explicit Graph(const std::string& name);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  Value input(const std::string& name, const std::vector<Side>& shape);
  void output(const std::string& name, const std::vector<Side>& shape, const Value& value);

  Value constant(const std::vector<int64_t>& shape, std::span<const float> values);
  Value constant(const std::vector<int64_t>& values);  ///< a list of whole numbers
  Value scalar(float value);

  /// A node with one result.
  Value node(const std::string& op, const std::vector<Value>& inputs,
             const std::vector<Attribute>& attributes = {});

  void describe(const std::string& key, const std::string& text);  ///< metadata

  /// Throws Io.
  void write(const std::filesystem::path& path) const;

 private:
  std::unique_ptr<onnx::ModelProto> model_;
  int names_ = 0;
};

}  // namespace cdsr::onnx_export
