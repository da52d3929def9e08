#include "tokenize/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <functional>

#include "base/check.h"

namespace thaw::tokenize {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kDottedCapitalI = 0x130;  // the only one whose lower case is two characters
constexpr char32_t kDotAbove = 0x307;

struct Range {
  char32_t first, last;
};
/// What Unicode 8 had not assigned, as far as punctuation, marks or format characters stand there
/// now. The library `tokenizers` knows these three kinds by tables of that version, also in its
/// newest releases. Made of perl's \p{Present_In: 8.0} and utf8proc's categories.
constexpr std::array<Range, 46> kAfterUnicode8 = {{
    {0x61D, 0x61D},     {0x7FB, 0x7FF},     {0x85F, 0x89F},     {0x8B5, 0x8E2},
    {0x9FC, 0xA00},     {0xA76, 0xA80},     {0xAFA, 0xB00},     {0xB4E, 0xB55},
    {0xC04, 0xC04},     {0xC3A, 0xC3C},     {0xC70, 0xC77},     {0xC84, 0xC84},
    {0xCF3, 0xD00},     {0xD3B, 0xD3C},     {0xD80, 0xD81},     {0xEBA, 0xEBA},
    {0xECE, 0xECF},     {0x180F, 0x180F},   {0x1ABF, 0x1AFF},   {0x1B7D, 0x1B7F},
    {0x1DF6, 0x1DFB},   {0x2E43, 0x2E7F},   {0xA82C, 0xA82F},   {0xA8C5, 0xA8CD},
    {0xA8FE, 0xA8FF},   {0x10D00, 0x10E5F}, {0x10E7F, 0x10FFF}, {0x11070, 0x1107E},
    {0x110C2, 0x110CF}, {0x111CE, 0x111CF}, {0x1123E, 0x1127F}, {0x1133A, 0x1133B},
    {0x11375, 0x1147F}, {0x1165A, 0x1167F}, {0x116B8, 0x116BF}, {0x11740, 0x1189F},
    {0x11900, 0x11ABF}, {0x11AF9, 0x11FFF}, {0x12544, 0x12FFF}, {0x1342F, 0x143FF},
    {0x16B90, 0x16EFF}, {0x16F45, 0x16F4F}, {0x16FA0, 0x1AFFF}, {0x1BCA4, 0x1CFFF},
    {0x1DAB0, 0x1E7FF}, {0x1E8D7, 0x1EDFF},
}};

bool is_after_unicode_8(char32_t code) {
  const auto* range = std::ranges::lower_bound(kAfterUnicode8, code, std::less<>(), &Range::last);
  return range != kAfterUnicode8.end() && code >= range->first;
}

// Their kind has changed since.
constexpr char32_t kCanadianFullStop = 0x166D;
constexpr char32_t kHanunooPamudpod = 0x1734;
constexpr char32_t kSharadaSandhi = 0x111C9;

utf8proc_category_t category(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
}

/// How many bytes of what is no character are the beginning of one; at least 1.
size_t broken_length(const utf8proc_uint8_t* bytes, size_t size) {
  const unsigned lead = bytes[0];
  const size_t wanted = lead >= 0xF0 && lead <= 0xF4   ? 4
                        : lead >= 0xE0 && lead <= 0xEF ? 3
                        : lead >= 0xC2 && lead <= 0xDF ? 2
                                                       : 1;
  size_t length = 1;
  for (; length < std::min(wanted, size); ++length) {
    unsigned least = 0x80, most = 0xBF;
    if (length == 1) {  // neither overlong, nor a surrogate, nor over U+10FFFF
      if (lead == 0xE0) least = 0xA0;
      if (lead == 0xED) most = 0x9F;
      if (lead == 0xF0) least = 0x90;
      if (lead == 0xF4) most = 0x8F;
    }
    if (bytes[length] < least || bytes[length] > most) break;
  }
  return length;
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  const auto* next = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const auto* end = next + text.size();
  while (next < end) {
    if (*next < 0x80) {
      out += *next++;
      continue;
    }
    utf8proc_int32_t code = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(next, end - next, &code);
    out += length > 0 ? static_cast<char32_t>(code) : kReplacement;
    next += length > 0 ? static_cast<size_t>(length)
                       : broken_length(next, static_cast<size_t>(end - next));
  }
  return out;
}

void append_utf8(std::string& out, char32_t code) {
  constexpr size_t kLongest = 4;
  utf8proc_uint8_t bytes[kLongest];
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(length));
}

std::string encode_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t code : text) append_utf8(out, code);
  return out;
}

size_t code_points(std::string_view text) {
  size_t count = 0;
  for (const char byte : text) count += (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
  return count;
}

bool is_white_space(char32_t code) {
  if (code < 0x80) return code == ' ' || (code >= '\t' && code <= '\r');
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_letter(char32_t code) {
  if (code < 0x80) return (code | 0x20U) >= 'a' && (code | 0x20U) <= 'z';
  const auto kind = category(code);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_number(char32_t code) {
  if (code < 0x80) return code >= '0' && code <= '9';
  const auto kind = category(code);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool is_punctuation(char32_t code) {
  if (code == kCanadianFullStop || code == kSharadaSandhi) return true;
  const auto kind = category(code);
  return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO && !is_after_unicode_8(code);
}

bool is_nonspacing_mark(char32_t code) {
  if (code < 0x80 || code == kSharadaSandhi) return false;
  if (code == kHanunooPamudpod) return true;
  return category(code) == UTF8PROC_CATEGORY_MN && !is_after_unicode_8(code);
}

bool is_mark(char32_t code) {
  const auto kind = category(code);
  return kind >= UTF8PROC_CATEGORY_MN && kind <= UTF8PROC_CATEGORY_ME;
}

bool is_word_part(char32_t code) {
  if (is_letter(code)) return true;
  if (code < 0x80) return (code >= '0' && code <= '9') || code == '_';
  switch (category(code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      break;
  }
  // The joiners; letters in circles and squares, which are alphabetic symbols.
  return code == 0x200C || code == 0x200D || (code >= 0x24B6 && code <= 0x24E9) ||
         (code >= 0x1F130 && code <= 0x1F149) || (code >= 0x1F150 && code <= 0x1F169) ||
         (code >= 0x1F170 && code <= 0x1F189);
}

bool is_control(char32_t code) {
  if (code < 0x80) return code < ' ' || code == 0x7F;
  const auto kind = category(code);
  return kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CO ||
         kind == UTF8PROC_CATEGORY_CS ||
         (kind == UTF8PROC_CATEGORY_CF && !is_after_unicode_8(code));
}

void append_decomposed(std::u32string& out, char32_t code) {
  if (code < 0x80) {
    out += code;
    return;
  }
  constexpr int kLongest = 32;  // the longest of Unicode are 4
  utf8proc_int32_t parts[kLongest];
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), parts, kLongest,
                                             UTF8PROC_DECOMPOSE, nullptr);
  CHECK(count >= 0 && count <= kLongest, "every code point has a decomposition");
  for (utf8proc_ssize_t i = 0; i < count; ++i) out += static_cast<char32_t>(parts[i]);
}

int combining_class(char32_t code) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class;
}

void append_lower(std::u32string& out, char32_t code) {
  if (code < 0x80) {
    out += code >= 'A' && code <= 'Z' ? code + 0x20 : code;
  } else if (code == kDottedCapitalI) {
    out += U'i';
    out += kDotAbove;
  } else {
    out += static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
  }
}

}  // namespace thaw::tokenize
