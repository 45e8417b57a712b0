// What oneDNN 2 (Debian 12) and 3 (Debian 13) say differently: 2 describes an operation first and then its
// primitive, 3 the primitive at once.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <utility>

namespace cdsr::onednn {

/// Adds `kind` of alpha and beta, of what is there, to `ops`.
inline void append_eltwise(dnnl::post_ops& ops, dnnl::algorithm kind, float alpha, float beta = 0) {
#if DNNL_VERSION_MAJOR < 3
  ops.append_eltwise(1, kind, alpha, beta);
#else
  ops.append_eltwise(kind, alpha, beta);
#endif
}

/// The description of a `Primitive` by the arguments that both versions have in common: all those of a binary
/// operation, and of a convolution that is not dilated. Throws dnnl::error, as oneDNN does.
template <typename Primitive, typename... Arguments>
typename Primitive::primitive_desc describe(const dnnl::engine& engine, const dnnl::primitive_attr& attr,
                                            const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR < 3
  return {typename Primitive::desc(arguments...), attr, engine};
#else
  return {engine, arguments..., attr};
#endif
}

/// The same of the backward pass of what `forward` describes.
template <typename Primitive, typename Forward, typename... Arguments>
typename Primitive::primitive_desc describe_backward(const dnnl::engine& engine, const Forward& forward,
                                                     const Arguments&... arguments) {
#if DNNL_VERSION_MAJOR < 3
  return {typename Primitive::desc(arguments...), engine, forward};
#else
  return {engine, arguments..., forward};
#endif
}

/// The backward pass of an elementwise operation on `features`, from its output if `kind` says so.
inline dnnl::eltwise_backward::primitive_desc describe_eltwise_backward(const dnnl::engine& engine,
                                                                        dnnl::algorithm kind,
                                                                        const dnnl::memory::desc& features,
                                                                        float alpha) {
  using Forward = dnnl::eltwise_forward;
  constexpr auto kTraining = dnnl::prop_kind::forward_training;
#if DNNL_VERSION_MAJOR < 3
  const Forward::primitive_desc forward({kTraining, kind, features, alpha, 0}, engine);
  return {{kind, features, features, alpha, 0}, engine, forward};
#else
  const Forward::primitive_desc forward(engine, kTraining, kind, features, features, alpha, 0);
  return {engine, kind, features, features, features, alpha, 0, forward};
#endif
}

}  // namespace cdsr::onednn
