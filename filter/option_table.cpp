#include "filter/option_table.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

#include "model/error.h"

namespace cdsr {
namespace {

// What a row of each kind is in C++.
#define CDSR_TYPE_INT int32_t
#define CDSR_TYPE_FLOAT double
#define CDSR_TYPE_WORDS int32_t
#define CDSR_TYPE_TEXT const char*
#define CDSR_TYPE_FLAG int32_t
#define CDSR_OPTION(kind, name, ...) \
  static_assert(std::is_same_v<decltype(cdsr_options::name), CDSR_TYPE_##kind>);
#include "filter/include/cdsr/options.inc"

// The words of all options, a NULL before those of each option and at the end.
constexpr cdsr_word kWords[] = {
#define CDSR_OPTION(...) {nullptr, nullptr, 0},
#define CDSR_WORD(option, word, value, help) {word, help, value},
#include "filter/include/cdsr/options.inc"
    {nullptr, nullptr, 0}};

/// The words of the option at `index` in the table.
constexpr const cdsr_word* words_at(size_t index) {
  const cdsr_word* word = kWords;
  for (size_t ends = 0;; ++word) {
    if (word->word == nullptr && ends++ == index) return word + 1;
  }
}

constexpr cdsr_option row(const char* name, const char* help, int32_t kind, int32_t flags, uint32_t since,
                          double lowest, double highest, size_t offset, double value) {
  return {name, help, kind, flags, since, lowest, highest, value, nullptr, nullptr, offset};
}
constexpr cdsr_option row(const char* name, const char* help, int32_t kind, int32_t flags, uint32_t since,
                          double lowest, double highest, size_t offset, const char* value) {
  return {name, help, kind, flags, since, lowest, highest, 0, value, nullptr, offset};
}
#define CDSR_FIXED 0
#define CDSR_RUNTIME CDSR_OPTION_RUNTIME
#define CDSR_ROW(kind, name, since, value, lowest, highest, flags, help)                            \
  row(#name, help, CDSR_OPTION_##kind, flags, since, lowest, highest, offsetof(cdsr_options, name), \
      static_cast<decltype(cdsr_options::name)>(value)),

constexpr auto kOptions = [] {
  std::array options = std::to_array({
#define CDSR_OPTION(kind, name, since, value, lowest, highest, change, help) \
  CDSR_ROW(kind, name, since, value, lowest, highest, CDSR_##change, help)
#define CDSR_LIVE_OPTION(kind, name, since, value, lowest, highest, change, help) \
  CDSR_ROW(kind, name, since, value, lowest, highest, CDSR_##change | CDSR_OPTION_LIVE, help)
#include "filter/include/cdsr/options.inc"
  });
  for (size_t i = 0; i < options.size(); ++i)
    if (options[i].kind == CDSR_OPTION_WORDS) options[i].words = words_at(i);
  return options;
}();

constexpr auto kList = [] {
  std::array<const cdsr_option*, kOptions.size() + 1> list{};
  for (size_t i = 0; i < kOptions.size(); ++i) list[i] = &kOptions[i];
  return list;
}();

/// The member of an option in a struct of options, const or not.
template <typename T, typename Options>
auto& member(Options& options, const cdsr_option& option) {
  using Member = std::conditional_t<std::is_const_v<Options>, const T, T>;
  using Byte = std::conditional_t<std::is_const_v<Options>, const char, char>;
  return *reinterpret_cast<Member*>(reinterpret_cast<Byte*>(&options) + option.offset);
}

/// "a, b or c".
template <typename Names>
std::string alternatives(const Names& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i)
    text += std::string(i == 0 ? "" : i + 1 < names.size() ? ", " : " or ") + names[i];
  return text;
}

std::string words_text(const cdsr_option& option) {
  std::vector<const char*> words;
  for (const cdsr_word* word = option.words; word->word != nullptr; ++word) words.push_back(word->word);
  return alternatives(words);
}

std::string allowed(const cdsr_option& option) {
  return option.words != nullptr ? words_text(option) : fmt::format("{}..{}", option.lowest, option.highest);
}

template <typename T>
T number(const cdsr_option& option, std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(Errc::InvalidArgument, "option {} = {}: must be {}", option.name, text, allowed(option));
  return value;
}

void check_value(const cdsr_option& option, double value) {
  if (!(value >= option.lowest && value <= option.highest))
    fail(Errc::InvalidArgument, "option {} = {}: must be {}", option.name, value, allowed(option));
}

void check_value(const cdsr_option& option, int32_t value) {
  if (option.words == nullptr) return check_value(option, static_cast<double>(value));
  if (word_of(option, value) == nullptr)
    fail(Errc::InvalidArgument, "option {} = {}: must be {}..{} ({})", option.name, value, option.lowest,
         option.highest, words_text(option));
}

void check_value(const cdsr_option& option, const char* text) {
  // What has a default cannot do without.
  if (option.text != nullptr && (text == nullptr || *text == '\0'))
    fail(Errc::InvalidArgument, "option {}: must not be empty", option.name);
}

/// Writes that one member and nothing else: the struct may be an older one.
template <typename T>
void assign(cdsr_options& options, const cdsr_option& option, T value) {
  check_value(option, value);
  member<T>(options, option) = value;
}

}  // namespace

const cdsr_option* const* option_list() { return kList.data(); }

const cdsr_option* find_option(std::string_view name) {
  for (const cdsr_option& option : kOptions)
    if (name == option.name) return &option;
  return nullptr;
}

const char* word_of(const cdsr_option& option, int32_t value) {
  if (option.words == nullptr) return nullptr;
  for (const cdsr_word* word = option.words; word->word != nullptr; ++word)
    if (word->value == value) return word->word;
  return nullptr;
}

int32_t value_of(const cdsr_option& option, std::string_view text) {
  for (const cdsr_word* word = option.words; word->word != nullptr; ++word)
    if (text == word->word) return word->value;
  fail(Errc::InvalidArgument, "option {} = {}: must be {}", option.name, text, allowed(option));
}

cdsr_options default_options() {
  cdsr_options options{};
  options.version = CDSR_API_VERSION;
#define CDSR_OPTION(kind, name, since, value, ...) options.name = value;
#include "filter/include/cdsr/options.inc"
  return options;
}

void set_option(cdsr_options& options, std::string_view name, const char* text) {
  const cdsr_option* option = find_option(name);
  if (option == nullptr) {
    std::vector<const char*> names;
    for (const cdsr_option& known : kOptions) names.push_back(known.name);
    fail(Errc::InvalidArgument, "no option is named '{}': must be {}", name, alternatives(names));
  }
  if (options.version < option->since)
    fail(Errc::InvalidArgument, "option {} is of API version {}: these options are of version {}", name,
         option->since, options.version);
  switch (option->kind) {
    case CDSR_OPTION_INT:
    case CDSR_OPTION_FLAG:
      return assign(options, *option, number<int32_t>(*option, text));
    case CDSR_OPTION_FLOAT:
      return assign(options, *option, number<double>(*option, text));
    case CDSR_OPTION_WORDS:
      return assign(options, *option, value_of(*option, text));
    default:
      return assign(options, *option, text);
  }
}

void check_option(const cdsr_option& option, const cdsr_options& options) {
  switch (option.kind) {
    case CDSR_OPTION_FLOAT:
      return check_value(option, member<double>(options, option));
    case CDSR_OPTION_TEXT:
      return check_value(option, member<const char*>(options, option));
    case CDSR_OPTION_FLAG:  // whatever is not 0 is on
      return;
    default:
      return check_value(option, member<int32_t>(options, option));
  }
}

void check_options(const cdsr_options& options, int32_t flags) {
  for (const cdsr_option& option : kOptions)
    if ((option.flags & flags) == flags) check_option(option, options);
}

}  // namespace cdsr
