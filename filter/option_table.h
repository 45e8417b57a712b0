// The options of cdsr_options as a table (cdsr/options.inc): names, kinds, ranges, defaults, words.
#pragma once

#include <cstdint>
#include <string_view>

#include "filter/include/cdsr/cdsr.h"

namespace cdsr {

/// All options in order, ended by nullptr.
const cdsr_option* const* option_list();

/// The option of this name, or nullptr.
const cdsr_option* find_option(std::string_view name);

/// The word for a value of an option of kind WORDS, or nullptr.
const char* word_of(const cdsr_option& option, int32_t value);
/// The value of a word. Throws InvalidArgument naming all there are.
int32_t value_of(const cdsr_option& option, std::string_view word);

/// Every member's default, those of the host's handles included.
cdsr_options default_options();

/// Sets one option from text; a text is kept as a pointer. Throws InvalidArgument naming option, value and
/// what is allowed, and changes nothing then.
void set_option(cdsr_options& options, std::string_view name, const char* text);

/// Checks the value of one option, or of all that have these flags. Throws InvalidArgument as above.
void check_option(const cdsr_option& option, const cdsr_options& options);
void check_options(const cdsr_options& options, int32_t flags = 0);

}  // namespace cdsr
