// What identifies a measurement of convolutions: the network, the driver.
#pragma once

#include <cstdint>
#include <string>

#include "model/network.h"

namespace cdsr::cuda {

/// Hash of what the SR network's convolutions are made of: shapes, weights and biases.
uint64_t network_hash(const Network& network);

/// "13000 580.65.06": the CUDA version the driver has, and its own from the text of
/// /proc/driver/nvidia/version
/// ("" where there is no such file).
std::string driver_text(int cuda_version, const std::string& proc);

}  // namespace cdsr::cuda
