#include "model/cuda/cudnn.h"

#include <dlfcn.h>

#include "model/error.h"

namespace cdsr::cuda {
namespace {

struct Library {
  std::string reason;
  Cudnn functions;
  bool found = false;

  Library() {
    void* library = nullptr;
    for (const char* place : {"libcudnn.so.9", "/usr/local/cuda/lib64/libcudnn.so.9"})
      if (library == nullptr) library = dlopen(place, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      reason = fmt::format("no cuDNN 9 ({})", dlerror());
      return;
    }
    found = true;
    get(library, "cudnnGetVersion", functions.get_version);
    get(library, "cudnnGetErrorString", functions.error_string);
    get(library, "cudnnGetLastErrorString", functions.last_error);
    get(library, "cudnnCreate", functions.create);
    get(library, "cudnnDestroy", functions.destroy);
    get(library, "cudnnSetStream", functions.set_stream);
    get(library, "cudnnBackendCreateDescriptor", functions.create_descriptor);
    get(library, "cudnnBackendDestroyDescriptor", functions.destroy_descriptor);
    get(library, "cudnnBackendSetAttribute", functions.set_attribute);
    get(library, "cudnnBackendGetAttribute", functions.get_attribute);
    get(library, "cudnnBackendFinalize", functions.finalize);
    get(library, "cudnnBackendExecute", functions.execute);
  }

  template <typename Function>
  void get(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (function != nullptr) return;
    found = false;
    reason = fmt::format("libcudnn.so.9 has no {}", name);
  }
};

}  // namespace

const Cudnn* Cudnn::find(std::string& reason) {
  static const Library library;
  reason = library.reason;
  return library.found ? &library.functions : nullptr;
}

std::string Cudnn::complaint() const {
  char text[1024] = {};
  last_error(text, sizeof text);
  return text;
}

void Cudnn::check(cudnnStatus_t status, std::string_view what) const {
  if (status == CUDNN_STATUS_SUCCESS) return;
  fail(Errc::Device, "cuDNN: {}: {} {}", what, error_string(status), complaint());
}

Descriptor::Descriptor(const Cudnn& cudnn, cudnnBackendDescriptorType_t type) : cudnn_(&cudnn) {
  cudnn.check(cudnn.create_descriptor(type, &descriptor_), "creating a descriptor");
}

Descriptor::~Descriptor() {
  if (descriptor_ != nullptr) cudnn_->destroy_descriptor(descriptor_);
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                            const void* values) {
  cudnn_->check(cudnn_->set_attribute(descriptor_, name, type, count, values),
                fmt::format("setting attribute {}", static_cast<int>(name)));
  return *this;
}

Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& value) {
  return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &value.descriptor_);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, int64_t value) {
  return set(name, CUDNN_TYPE_INT64, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, const std::vector<int64_t>& values) {
  return set(name, CUDNN_TYPE_INT64, static_cast<int64_t>(values.size()), values.data());
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, float value, cudnnBackendAttributeType_t type) {
  const double wide = value;
  return set(name, type, 1, type == CUDNN_TYPE_DOUBLE ? static_cast<const void*>(&wide) : &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, cudnnDataType_t value) {
  return set(name, CUDNN_TYPE_DATA_TYPE, 1, &value);
}
Descriptor& Descriptor::set(cudnnBackendAttributeName_t name, bool value) {
  return set(name, CUDNN_TYPE_BOOLEAN, 1, &value);
}

Descriptor& Descriptor::finish(std::string_view what) {
  cudnn_->check(cudnn_->finalize(descriptor_), what);
  return *this;
}

bool Descriptor::try_finish() { return cudnn_->finalize(descriptor_) == CUDNN_STATUS_SUCCESS; }

int64_t Descriptor::get_int(cudnnBackendAttributeName_t name) const {
  int64_t value = 0, count = 0;
  cudnn_->check(cudnn_->get_attribute(descriptor_, name, CUDNN_TYPE_INT64, 1, &count, &value),
                "reading an attribute");
  return value;
}

std::string Descriptor::get_text(cudnnBackendAttributeName_t name) const {
  int64_t length = 0;
  cudnn_->check(cudnn_->get_attribute(descriptor_, name, CUDNN_TYPE_CHAR, 0, &length, nullptr),
                "reading an attribute");
  std::string text(length, '\0');
  cudnn_->check(cudnn_->get_attribute(descriptor_, name, CUDNN_TYPE_CHAR, length, &length, text.data()),
                "reading an attribute");
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

}  // namespace cdsr::cuda
