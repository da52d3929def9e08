#include <fmt/format.h>

#include <algorithm>

#include "spec/emit.h"

namespace thaw::spec {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// 1000m or 512Mi: digits and a unit, which no reader takes for a number.
bool is_quantity(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view unit = text.substr(digits);
  return digits > 0 && (unit == "m" || unit == "Ki" || unit == "Mi" || unit == "Gi");
}

/// True for text that every reader of YAML takes for this string without quotes. Cautious: what
/// might be a number, a truth value, a time or a sign of YAML gets quotes.
bool is_plain(std::string_view text) {
  if (is_quantity(text)) return true;
  if (text.empty() || text.size() > 200 || !(is_letter(text[0]) || text[0] == '/')) return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const char* word : {"true", "false", "yes", "no", "on", "off", "y", "n", "null"}) {
    if (lower == word) return false;
  }
  const auto is_safe = [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') ||
           std::string_view("-_./ @=+").find(c) != std::string_view::npos;
  };
  return text.back() != ' ' && std::all_of(text.begin(), text.end(), is_safe);
}

/// Single quotes for what has none and stays on its line, else double quotes with escapes.
std::string scalar(const std::string& text) {
  if (is_plain(text)) return text;
  const bool printable = std::all_of(text.begin(), text.end(),
                                     [](char c) { return c >= ' ' && c <= '~' && c != '\''; });
  if (printable) return "'" + text + "'";
  // JSON's escapes are YAML's. DEL and the two characters that YAML 1.1 breaks lines at need one
  // as well, and so does the byte order mark.
  std::string escaped;
  const std::string json = Json(text).dump();
  for (size_t i = 0; i < json.size(); ++i) {  // dump() is valid UTF-8 and ends in a quote
    const std::string_view rest = std::string_view(json).substr(i);
    if (json[i] == '\x7f') {
      escaped += "\\x7f";
    } else if (rest.starts_with('\xc2') && static_cast<unsigned char>(rest[1]) < 0xa0) {
      escaped += fmt::format("\\x{:02x}", static_cast<unsigned char>(rest[1]));
      i += 1;
    } else if (rest.starts_with("\xe2\x80\xa8") || rest.starts_with("\xe2\x80\xa9")) {
      escaped += rest[2] == '\xa8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else if (rest.starts_with("\xef\xbb\xbf")) {
      escaped += "\\ufeff";
      i += 2;
    } else {
      escaped += json[i];
    }
  }
  return escaped;
}

bool is_block(const Json& value) {
  return (value.is_object() && !value.as_object().empty()) ||
         (value.is_array() && !value.as_array().empty());
}

void write(const Json& value, size_t indent, std::string& out);

/// Behind "key:" or "-": on the same line what fits there, else on lines of its own.
void write_behind(const Json& value, size_t indent, std::string& out) {
  if (is_block(value)) {
    out += '\n';
    // A list stands under its key without more indent, as gcloud prints it.
    return write(value, value.is_array() ? indent : indent + 2, out);
  }
  out += ' ';
  if (value.is_string()) {
    out += scalar(value.as_string());
  } else {
    out += value.dump();
  }
  out += '\n';
}

void write_item(const Json& item, size_t indent, std::string& out) {
  out += std::string(indent, ' ') + "-";
  if (!is_block(item)) return write_behind(item, indent, out);
  // The item's first line continues the dash's.
  std::string inner;
  write(item, indent + 2, inner);
  out += ' ';
  out.append(inner, indent + 2);
}

void write(const Json& value, size_t indent, std::string& out) {
  if (value.is_array()) {
    for (const Json& item : value.as_array()) write_item(item, indent, out);
    return;
  }
  for (const auto& [key, item] : value.as_object()) {
    out += std::string(indent, ' ') + scalar(key) + ":";
    write_behind(item, indent, out);
  }
}

}  // namespace

std::string yaml_text(const Json& value) {
  std::string out;
  if (is_block(value)) {
    write(value, 0, out);
  } else {
    write_behind(value, 0, out);
    out.erase(0, 1);
  }
  return out;
}

}  // namespace thaw::spec
