#include "gateway/sessions.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/text.h"

namespace thaw::gateway {
namespace {

constexpr size_t kTokenLength = 32;  // hex digits
constexpr int kLifeSeconds = 30 * 24 * 60 * 60;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string_view find_cookie(const http::RequestHead& head, std::string_view name) {
  for (const http::HeaderView& header : head.headers) {
    if (!http::equals_ignoring_case(header.name, "cookie")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find(';'), rest.size());
      const std::string_view pair = trimmed(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const size_t equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      return pair.substr(equals + 1);
    }
  }
  return {};
}

const Sessions::Place* Sessions::find(const http::RequestHead& head) const {
  const std::string_view token = find_cookie(head, kName);
  if (token.size() != kTokenLength) return nullptr;
  const auto found = places_.find(std::string(token));
  return found == places_.end() ? nullptr : &found->second;
}

std::string Sessions::cookie(const Place& place, Link link, io::Entropy& entropy) {
  std::string& token = tokens_[place.instance];
  if (token.empty()) {
    token = fmt::format("{:016x}{:016x}", entropy.next(), entropy.next());
    places_.emplace(token, place);
  }
  return fmt::format("{}={}; Max-Age={}; Path=/; HttpOnly{}", kName, token, kLifeSeconds,
                     link == Link::kTls ? "; Secure" : "");
}

void Sessions::forget(const InstanceId& instance) {
  const auto found = tokens_.find(instance);
  if (found == tokens_.end()) return;
  places_.erase(found->second);
  tokens_.erase(found);
}

}  // namespace thaw::gateway
