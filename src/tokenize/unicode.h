// Unicode as the tokenizers need it: code points, their kinds, decomposition, lower case.
//
// Tables: utf8proc (Unicode 15), behind this file. Thread: any. Owner: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace thaw::tokenize {

/// Bytes that are no UTF-8 become U+FFFD, one for each beginning of a character that is broken off,
/// as Unicode advises (chapter 3.9, "maximal subparts").
std::u32string decode_utf8(std::string_view text);
void append_utf8(std::string& out, char32_t code);
std::string encode_utf8(std::u32string_view text);
/// Code points of valid UTF-8.
size_t code_points(std::string_view text);

bool is_white_space(char32_t code);      // the property White_Space
bool is_letter(char32_t code);           // L*
bool is_number(char32_t code);           // N*
bool is_punctuation(char32_t code);      // P* of Unicode 8, as BERT's tokenizers know it
bool is_nonspacing_mark(char32_t code);  // Mn, likewise
bool is_mark(char32_t code);             // M*
/// \w of regular expressions: Alphabetic, M*, Nd, Pc and the two joiners (UTS 18).
bool is_word_part(char32_t code);
/// Cc, Cf (of Unicode 8), Co, Cs: what BERT takes out of texts, besides tab, LF and CR.
bool is_control(char32_t code);

/// Appends the canonical decomposition (NFD of the one character).
void append_decomposed(std::u32string& out, char32_t code);
int combining_class(char32_t code);
/// Appends the full lower case mapping that does not depend on the context.
void append_lower(std::u32string& out, char32_t code);

}  // namespace thaw::tokenize
