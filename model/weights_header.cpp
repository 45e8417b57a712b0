#include "model/weights_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "model/error.h"

namespace cdsr {
namespace {

using nlohmann::json;

constexpr size_t kMaxRank = 8;

/// Takes the parser's events one by one. No document tree is built: depth and types are checked as they come,
/// so a hostile header costs no more memory than its own length.
class HeaderReader final : public nlohmann::json_sax<json> {
 public:
  HeaderReader(WeightsHeader& out, const std::string& file, WholeNumbers whole_numbers)
      : out_(out), file_(file), whole_numbers_(whole_numbers) {}

  bool null() override { unexpected("null"); }
  bool boolean(bool value) override { unexpected(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { unexpected(fmt::format("{}", value)); }
  bool number_float(number_float_t, const string_t& text) override { unexpected(printable(text)); }
  bool binary(binary_t&) override { unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ == State::Shape) {
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        unexpected(fmt::format("{}", value));
      if (entry_.shape.size() == kMaxRank) bad("shape has more than {} dimensions", kMaxRank);
      entry_.shape.push_back(static_cast<int64_t>(value));
    } else if (state_ == State::Offsets) {
      if (offsets_ == 2) bad("data_offsets has more than 2 numbers");
      (offsets_++ == 0 ? entry_.begin : entry_.end) = value;
    } else {
      unexpected(fmt::format("{}", value));
    }
    return true;
  }

  bool string(string_t& value) override {
    if (state_ == State::Metadata)
      out_.metadata[key_] = std::move(value);
    else if (state_ == State::Tensor && key_ == "dtype")
      dtype_ = dtype_from(value);
    else
      unexpected("the string '" + printable(value) + "'");
    return true;
  }

  bool start_object(std::size_t) override {
    switch (state_) {
      case State::Start:
        state_ = State::Top;
        return true;
      case State::Top:
        members_.clear();
        if (key_ == "__metadata__") {
          state_ = State::Metadata;
        } else {
          state_ = State::Tensor;
          entry_ = {};
          entry_.name = key_;
          dtype_.reset();
          offsets_ = 0;
        }
        return true;
      default:
        unexpected("an object");
    }
  }

  bool key(string_t& value) override {
    if (state_ == State::Top) {
      if (value.empty()) fail(Errc::BadWeights, "{}: header: a tensor has an empty name", file_);
      if (!names_.insert(value).second)
        fail(Errc::BadWeights, "{}: header: tensor '{}' is there twice", file_, printable(value));
    } else {
      if (!members_.insert(value).second) bad("member '{}' is there twice", printable(value));
      if (state_ == State::Tensor && value != "dtype" && value != "shape" && value != "data_offsets")
        bad("unknown member '{}', expected dtype, shape, data_offsets", printable(value));
    }
    key_ = std::move(value);  // inside a tensor its own name is in entry_, so key_ is free for the member's
    return true;
  }

  bool end_object() override {
    if (state_ == State::Tensor) {
      for (const char* m : {"dtype", "shape", "data_offsets"})
        if (!members_.contains(m)) bad("member '{}' is missing", m);
      entry_.dtype = *dtype_;
      out_.entries.push_back(std::move(entry_));
    }
    state_ = state_ == State::Top ? State::Done : State::Top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (state_ != State::Tensor || key_ == "dtype") unexpected("an array");
    state_ = key_ == "shape" ? State::Shape : State::Offsets;
    return true;
  }

  bool end_array() override {
    if (state_ == State::Offsets && offsets_ != 2) bad("data_offsets has {} numbers, must be 2", offsets_);
    state_ = State::Tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    fail(Errc::BadWeights, "{}: header: not JSON at byte {}: {}", file_, position, printable(e.what(), 400));
  }

 private:
  enum class State { Start, Top, Metadata, Tensor, Shape, Offsets, Done };

  std::string place() const {
    if (state_ == State::Metadata) return "__metadata__";
    if (state_ == State::Tensor || state_ == State::Shape || state_ == State::Offsets)
      return "tensor '" + printable(entry_.name) + "'";
    return key_.empty() ? "top level" : "'" + printable(key_) + "'";
  }

  template <typename... Args>
  [[noreturn]] void bad(fmt::format_string<Args...> format, Args&&... args) const {
    fail(Errc::BadWeights, "{}: header: {}: {}", file_, place(),
         fmt::format(format, std::forward<Args>(args)...));
  }

  [[noreturn]] void unexpected(const std::string& found) const {
    switch (state_) {
      case State::Shape:
        bad("shape holds {}, must be whole numbers of 0 to 2^63 - 1", found);
      case State::Offsets:
        bad("data_offsets holds {}, must be whole numbers of 0 to 2^64 - 1", found);
      case State::Tensor:
        bad("{} is {}, must be {}", printable(key_), found, key_ == "dtype" ? "a string" : "an array");
      case State::Metadata:
        bad("'{}' is {}, must be a string", printable(key_), found);
      default:
        bad("found {}, must be an object", found);
    }
  }

  DType dtype_from(const std::string& text) const {
    for (DType d : {DType::F32, DType::F16, DType::BF16})
      if (text == to_string(d)) return d;
    if (whole_numbers_ == WholeNumbers::Kept && text == to_string(DType::I64)) return DType::I64;
    bad("dtype is '{}', must be F32, F16 or BF16", printable(text));
  }

  WeightsHeader& out_;
  const std::string& file_;
  const WholeNumbers whole_numbers_;
  State state_ = State::Start;
  std::string key_;
  std::set<std::string> names_, members_;
  HeaderEntry entry_;
  std::optional<DType> dtype_;
  int offsets_ = 0;
};

}  // namespace

std::string printable(std::string_view name, size_t limit) {
  std::string out;
  for (char c : name) {
    const bool inside_utf8 = (static_cast<unsigned char>(c) & 0xC0U) == 0x80;
    if (out.size() >= limit && !inside_utf8) return out + "...";
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out;
}

WeightsHeader parse_weights_header(std::string_view text, const std::string& file,
                                   WholeNumbers whole_numbers) {
  WeightsHeader header;
  HeaderReader reader(header, file, whole_numbers);
  // Errors leave through fail(); a false result has no other cause.
  if (!json::sax_parse(text.begin(), text.end(), &reader))
    fail(Errc::Internal, "{}: header not parsed", file);
  return header;
}

}  // namespace cdsr
