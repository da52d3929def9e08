#include "tokenize/unicode.h"

#include <utf8proc.h>

#include "base/check.h"

namespace thaw::tokenize {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kDottedCapitalI = 0x130;  // the only one whose lower case is two characters
constexpr char32_t kDotAbove = 0x307;

utf8proc_category_t category(char32_t code) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code));
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
    next += length > 0 ? length : 1;
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
  const auto kind = category(code);
  return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
}

bool is_nonspacing_mark(char32_t code) {
  return code >= 0x80 && category(code) == UTF8PROC_CATEGORY_MN;
}

bool is_control(char32_t code) {
  if (code < 0x80) return code < ' ' || code == 0x7F;
  const auto kind = category(code);
  return kind == UTF8PROC_CATEGORY_CC || kind == UTF8PROC_CATEGORY_CF ||
         kind == UTF8PROC_CATEGORY_CO || kind == UTF8PROC_CATEGORY_CS;
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
