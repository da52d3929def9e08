#include "spec/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace thaw::spec {
namespace {

bool is_small(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_small(c) || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(char c) { return is_letter(c) || is_digit(c); }

/// RFC 1035 in small letters.
NameFault label_fault(std::string_view name, size_t longest) {
  if (name.empty()) return "is empty";
  if (name.size() > longest) {
    return fmt::format("has {} characters; at most {} are allowed", name.size(), longest);
  }
  if (!is_small(name.front())) return "must begin with a small letter";
  for (char c : name) {
    if (c >= 'A' && c <= 'Z') return "has a capital letter; use small letters, digits and hyphens";
    if (!is_small(c) && !is_digit(c) && c != '-') {
      return "may hold small letters, digits and hyphens only";
    }
  }
  if (name.back() == '-') return "must not end with a hyphen";
  if (name.find("---") != std::string_view::npos) {
    return "must not hold three hyphens in a row, which part tag and service in a host name";
  }
  return std::nullopt;
}

NameFault label_word_fault(std::string_view word) {
  constexpr size_t kLongestWord = 63;
  if (word.size() > kLongestWord) {
    return fmt::format("has {} characters; at most 63 are allowed", word.size());
  }
  const bool good_ends = is_letter_or_digit(word.front()) && is_letter_or_digit(word.back());
  if (!good_ends) return "must begin and end with a letter or a digit";
  const bool good = std::all_of(word.begin(), word.end(), [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  });
  if (!good) return "may hold letters, digits, '-', '_' and '.' only";
  return std::nullopt;
}

}  // namespace

NameFault service_name_fault(std::string_view name) { return label_fault(name, 49); }

NameFault revision_name_fault(std::string_view name, std::string_view service) {
  if (auto fault = label_fault(name, 63)) return fault;
  if (name.size() > service.size() + 1 && name.starts_with(service) &&
      name[service.size()] == '-') {
    return std::nullopt;
  }
  return fmt::format("must begin with the service's name and a hyphen: \"{}-...\"", service);
}

NameFault tag_fault(std::string_view tag, std::string_view service) {
  if (auto fault = label_fault(tag, 46)) return fault;
  if (tag.size() + service.size() > 60) {
    return fmt::format(
        "and the service's name have {} characters together; at most 60 fit a host name",
        tag.size() + service.size());
  }
  return std::nullopt;
}

NameFault env_name_fault(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kReserved = {"PORT", "K_SERVICE", "K_REVISION",
                                                                "K_CONFIGURATION"};
  if (name.empty()) return "is empty; a variable needs a name";
  if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
    return name == "PORT" ? "is set by the platform; choose the port in ports[0].containerPort"
                          : "is set by the platform; remove it";
  }
  if (name.starts_with("X_GOOGLE_")) return "begins with X_GOOGLE_, which the platform keeps";
  const bool good = std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
  });
  if (!good || is_digit(name.front())) {
    return "may hold letters, digits, '_', '-' and '.' only, and no digit first";
  }
  return std::nullopt;
}

NameFault header_name_fault(std::string_view name) {
  if (name.empty()) return "is empty; a header needs a name";
  static constexpr std::string_view kTokenSigns = "!#$%&'*+-.^_`|~";  // RFC 9110, 5.6.2
  const bool good = std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter_or_digit(c) || kTokenSigns.find(c) != std::string_view::npos;
  });
  if (!good) return "is no header name: letters, digits and hyphens, no blanks and no colon";
  return std::nullopt;
}

NameFault header_value_fault(std::string_view value) {
  const bool good = std::all_of(value.begin(), value.end(),
                                [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
  if (!good) return "may hold visible ASCII, blanks and tabs only";
  return std::nullopt;
}

NameFault label_key_fault(std::string_view key) {
  constexpr size_t kLongestPrefix = 253;
  if (key.empty()) return "is empty";
  const size_t slash = key.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view prefix = key.substr(0, slash);
    const bool good = std::all_of(prefix.begin(), prefix.end(), [](char c) {
      return is_small(c) || is_digit(c) || c == '-' || c == '.';
    });
    if (prefix.empty() || prefix.size() > kLongestPrefix || !good) {
      return "must have a domain of small letters before the '/'";
    }
    key.remove_prefix(slash + 1);
    if (key.empty()) return "has no name behind the '/'";
  }
  return label_word_fault(key);
}

NameFault label_value_fault(std::string_view value) {
  return value.empty() ? std::nullopt : label_word_fault(value);
}

}  // namespace thaw::spec
