#include "objects/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/utf8.h"

namespace thaw::objects {
namespace {

constexpr size_t kLongestObject = 1024;
constexpr size_t kLongestPart = 63;
constexpr size_t kLongestBucket = 222;

bool is_small_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

Error bad_bucket(std::string_view name, std::string_view why) {
  return {Code::kInvalidArgument,
          fmt::format("Invalid bucket name: '{}': {}", name.substr(0, 80), why)};
}

Error bad_object(std::string_view why) {
  return {Code::kInvalidArgument, fmt::format("Invalid object name: {}", why)};
}

}  // namespace

Status check_bucket_name(std::string_view name) {
  const bool has_dots = name.find('.') != std::string_view::npos;
  if (name.size() < 3 || name.size() > (has_dots ? kLongestBucket : kLongestPart)) {
    return bad_bucket(name, "it must have 3 to 63 characters");
  }
  const auto is_fit = [](char c) {
    return is_small_alphanumeric(c) || c == '-' || c == '_' || c == '.';
  };
  if (!std::all_of(name.begin(), name.end(), is_fit)) {
    return bad_bucket(name, "only small letters, digits, '-', '_' and '.' may be in it");
  }
  if (!is_small_alphanumeric(name.front()) || !is_small_alphanumeric(name.back())) {
    return bad_bucket(name, "it must begin and end with a small letter or a digit");
  }
  size_t part = 0;
  for (const char c : name) {
    part = c == '.' ? 0 : part + 1;
    if (part > kLongestPart) return bad_bucket(name, "a part between dots has over 63 characters");
  }
  if (name.find("..") != std::string_view::npos) {
    return bad_bucket(name, "two dots may not stand together");
  }
  const bool is_number = std::all_of(name.begin(), name.end(),
                                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  if (is_number && std::count(name.begin(), name.end(), '.') == 3) {
    return bad_bucket(name, "it may not look like an IP address");
  }
  return {};
}

Status check_object_name(std::string_view name) {
  if (name.empty()) return bad_object("it is empty");
  if (name.size() > kLongestObject) {
    return bad_object(fmt::format("it has {} bytes, over {}", name.size(), kLongestObject));
  }
  for (size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    if (c < 0x20 || c == 0x7f) {
      return bad_object(fmt::format("byte {} is the control character 0x{:02x}", i, c));
    }
  }
  if (!is_utf8(name)) return bad_object("it is no UTF-8");
  if (name == "." || name == "..") return bad_object("it may not be '.' or '..'");
  if (name.starts_with(".well-known/acme-challenge/")) {
    return bad_object("it may not begin with '.well-known/acme-challenge/'");
  }
  return {};
}

}  // namespace thaw::objects
