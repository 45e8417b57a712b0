#include "tools/onnx/graph.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <cstring>
#include <fstream>

#include "model/error.h"

namespace cdsr::onnx_export {
namespace {

void set_type(onnx::ValueInfoProto& info, const std::string& name, const std::vector<Side>& shape) {
  info.set_name(name);
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(onnx::TensorProto::FLOAT);
  for (const Side& side : shape) {
    auto* dim = tensor->mutable_shape()->add_dim();
    if (side.symbol.empty())
      dim->set_dim_value(side.number);
    else
      dim->set_dim_param(side.symbol);
  }
}

}  // namespace

Attribute whole(std::string name, int64_t value) {
  return {Attribute::Kind::Int, std::move(name), value, {}, 0, {}};
}
Attribute list(std::string name, std::vector<int64_t> values) {
  return {Attribute::Kind::Ints, std::move(name), 0, std::move(values), 0, {}};
}
Attribute real(std::string name, float value) {
  return {Attribute::Kind::Float, std::move(name), 0, {}, value, {}};
}
Attribute word(std::string name, std::string value) {
  return {Attribute::Kind::String, std::move(name), 0, {}, 0, std::move(value)};
}

Graph::Graph(const std::string& name) : model_(std::make_unique<onnx::ModelProto>()) {
  model_->set_ir_version(7);
  model_->set_producer_name("cdsr");
  auto* opset = model_->add_opset_import();
  opset->set_domain("");
  opset->set_version(13);
  model_->mutable_graph()->set_name(name);
}

Graph::~Graph() = default;

Value Graph::input(const std::string& name, const std::vector<Side>& shape) {
  set_type(*model_->mutable_graph()->add_input(), name, shape);
  return name;
}

void Graph::output(const std::string& name, const std::vector<Side>& shape, const Value& value) {
  auto* identity = model_->mutable_graph()->add_node();
  identity->set_op_type("Identity");
  identity->add_input(value);
  identity->add_output(name);
  set_type(*model_->mutable_graph()->add_output(), name, shape);
}

Value Graph::constant(const std::vector<int64_t>& shape, std::span<const float> values) {
  auto* tensor = model_->mutable_graph()->add_initializer();
  tensor->set_name(fmt::format("w{}", names_++));
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t side : shape) tensor->add_dims(side);
  tensor->set_raw_data(values.data(), values.size_bytes());
  return tensor->name();
}

Value Graph::constant(const std::vector<int64_t>& values) {
  auto* tensor = model_->mutable_graph()->add_initializer();
  tensor->set_name(fmt::format("i{}", names_++));
  tensor->set_data_type(onnx::TensorProto::INT64);
  tensor->add_dims(static_cast<int64_t>(values.size()));
  tensor->set_raw_data(values.data(), values.size() * sizeof(int64_t));
  return tensor->name();
}

Value Graph::scalar(float value) { return constant({1}, std::span(&value, 1)); }

Value Graph::node(const std::string& op, const std::vector<Value>& inputs,
                  const std::vector<Attribute>& attributes) {
  auto* node = model_->mutable_graph()->add_node();
  node->set_op_type(op);
  for (const Value& v : inputs) node->add_input(v);
  for (const Attribute& a : attributes) {
    auto* attribute = node->add_attribute();
    attribute->set_name(a.name);
    switch (a.kind) {
      case Attribute::Kind::Int:
        attribute->set_type(onnx::AttributeProto::INT);
        attribute->set_i(a.i);
        break;
      case Attribute::Kind::Ints:
        attribute->set_type(onnx::AttributeProto::INTS);
        for (const int64_t i : a.ints) attribute->add_ints(i);
        break;
      case Attribute::Kind::Float:
        attribute->set_type(onnx::AttributeProto::FLOAT);
        attribute->set_f(a.f);
        break;
      case Attribute::Kind::String:
        attribute->set_type(onnx::AttributeProto::STRING);
        attribute->set_s(a.s);
        break;
    }
  }
  node->add_output(fmt::format("v{}", names_++));
  return node->output(0);
}

void Graph::describe(const std::string& key, const std::string& text) {
  auto* entry = model_->add_metadata_props();
  entry->set_key(key);
  entry->set_value(text);
}

void Graph::write(const std::filesystem::path& path) const {
  std::ofstream out(path, std::ios::binary);
  const bool written = model_->SerializeToOstream(&out);
  out.close();
  if (!written || !out) fail(Errc::Io, "{}: cannot write: {}", path.string(), std::strerror(errno));
}

}  // namespace cdsr::onnx_export
