// What a backend has to do, as functions that say how it falls short: so that a test can be sure that a wrong
// backend is found (broken_test.cpp).
#pragma once

#include <string>
#include <vector>

#include "model/registry.h"

namespace cdsr::conformance {

/// What a backend got wrong, a line each. Empty: nothing.
using Complaints = std::vector<std::string>;

/// The precisions that are compared: those in which it has single operators.
std::vector<Precision> precisions(const Backend& backend);

/// A single operator against the reference's, on a random map between guards.
struct OperatorCase {
  enum Kind { Conv, ActivatedConv, ResidualConv, PointwiseConv, Dqa, DqaVectors, DenseBlock, Tail } kind;
  int nf, gc;  ///< growth channels of a dense block
  int width, height;
  int scale = 2;  ///< of Tail
  Skip skip = Skip::None;
};
std::vector<OperatorCase> operator_cases();
std::string to_string(const OperatorCase& c);
Complaints check(const Backend& backend, Precision precision, const OperatorCase& c);

/// A network with random weights: embedding, queries and picture against the reference's.
struct NetworkCase {
  CdsrConfig config;
  Query query;
  int width, height;
};
std::vector<NetworkCase> network_cases();
/// Those with several strips, bands or windows, and odd sides.
std::vector<NetworkCase> large_cases();
std::string to_string(const NetworkCase& c);
Complaints check(const Backend& backend, Precision precision, const NetworkCase& c);

/// The same bits with 1, 2 and 7 threads, twice each.
Complaints check_threads(const Backend& backend, Precision precision, const NetworkCase& c);

/// What engine.h promises of calls: refused out of order and with spans of another size, without an effect;
/// any order that is allowed gives the same bits; a plan that fails leaves an engine that can be planned.
Complaints check_calls(const Backend& backend, Precision precision);

/// picture_rows.h's rules for what an engine asks of a source and gives to a sink.
Complaints check_rows(const Backend& backend, Precision precision, int scale);

}  // namespace cdsr::conformance
