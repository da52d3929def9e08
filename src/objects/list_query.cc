#include "objects/list_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/base64.h"

namespace thaw::objects {
namespace {

constexpr size_t kLongestPattern = 1024;
constexpr size_t kMostAlternatives = 64;

Error bad_glob(std::string_view why) {
  return {Code::kInvalidArgument, fmt::format("Invalid matchGlob: {}", why)};
}

bool brackets_close(std::string_view pattern) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '[') continue;
    const size_t skip = i + 1 < pattern.size() && (pattern[i + 1] == '!' || pattern[i + 1] == '^');
    const size_t close = pattern.find(']', i + 2 + skip);
    if (close == std::string_view::npos) return false;
    i = close;
  }
  return true;
}

/// Replaces the first {a,b} by each of its words, until none is left. Only then is it known what
/// the classes are: a word may open or close one.
Status expand(const std::string& pattern, std::vector<std::string>& out) {
  const size_t open = pattern.find('{');
  if (open == std::string::npos) {
    if (!brackets_close(pattern)) return bad_glob("a '[' is not closed");
    out.push_back(pattern);
    return out.size() > kMostAlternatives ? bad_glob("over 64 alternatives") : Status();
  }
  int depth = 0;
  size_t word = open + 1;
  std::vector<std::string> words;
  for (size_t i = open; i < pattern.size(); ++i) {
    if (pattern[i] == '{') ++depth;
    if (pattern[i] == '}') --depth;
    if (depth == 0 || (depth == 1 && pattern[i] == ',')) {
      words.push_back(pattern.substr(word, i - word));
      word = i + 1;
    }
    if (depth > 0) continue;
    for (const std::string& each : words) {
      RETURN_IF_ERROR(expand(pattern.substr(0, open) + each + pattern.substr(i + 1), out));
    }
    return {};
  }
  return bad_glob("a '{' is not closed");
}

/// One character class at the pattern's front: its length, and whether it takes `c`.
struct Class {
  size_t length = 0;
  bool takes = false;
};
Class match_class(std::string_view pattern, char c) {
  size_t i = 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  for (const size_t first = i; i < pattern.size() && (pattern[i] != ']' || i == first); ++i) {
    if (i + 2 < pattern.size() && pattern[i + 1] == '-' && pattern[i + 2] != ']') {
      found |= pattern[i] <= c && c <= pattern[i + 2];
      i += 2;
    } else {
      found |= pattern[i] == c;
    }
  }
  return {std::min(i + 1, pattern.size()), found != negated && c != '/'};
}

/// All places of the pattern that can be reached are followed at once: O(pattern * name) always.
bool match(std::string_view pattern, std::string_view name) {
  std::vector<char> here(pattern.size() + 1, 0);
  std::vector<char> next(pattern.size() + 1, 0);
  const auto star_length = [&](size_t p) -> size_t {
    if (p >= pattern.size() || pattern[p] != '*') return 0;
    return p + 1 < pattern.size() && pattern[p + 1] == '*' ? 2 : 1;
  };
  const auto reach = [&](std::vector<char>& places, size_t p) {
    for (places[p] = 1; star_length(p) > 0; places[p] = 1) p += star_length(p);
  };
  reach(here, 0);
  for (const char c : name) {
    std::fill(next.begin(), next.end(), 0);
    for (size_t p = 0; p < pattern.size(); ++p) {
      if (here[p] == 0) continue;
      if (const size_t star = star_length(p); star > 0) {
        if (star == 2 || c != '/') reach(next, p);
      } else if (pattern[p] == '[') {
        const Class found = match_class(pattern.substr(p), c);
        if (found.takes) reach(next, p + found.length);
      } else if (pattern[p] == '?' ? c != '/' : pattern[p] == c) {
        reach(next, p + 1);
      }
    }
    std::swap(here, next);
  }
  return here[pattern.size()] != 0;
}

}  // namespace

std::string after_prefix(std::string_view prefix) {
  std::string next(prefix);
  while (!next.empty() && static_cast<unsigned char>(next.back()) == 0xff) next.pop_back();
  if (!next.empty()) next.back() = static_cast<char>(static_cast<unsigned char>(next.back()) + 1);
  return next;
}

std::string place_token(const Place& place) {
  return base64_url(fmt::format("{}:{}", place.generation, place.name));
}

Result<Place> parse_place(std::string_view token) {
  const auto text = from_base64(token);
  const size_t colon = text ? text->find(':') : std::string::npos;
  Place place;
  if (colon != std::string::npos) {
    const auto [end, fault] = std::from_chars(text->data(), text->data() + colon, place.generation);
    if (fault == std::errc() && end == text->data() + colon) {
      place.name = text->substr(colon + 1);
      return place;
    }
  }
  return Error(Code::kInvalidArgument, "Invalid pageToken: it is not one that a listing answered");
}

Result<Glob> Glob::compile(std::string_view pattern) {
  if (pattern.size() > kLongestPattern) return bad_glob("over 1024 bytes");
  Glob glob;
  RETURN_IF_ERROR(expand(std::string(pattern), glob.alternatives_));
  glob.literal_prefix_ = pattern.substr(0, pattern.find_first_of("*?[{"));
  return glob;
}

bool Glob::matches(std::string_view name) const {
  for (const std::string& alternative : alternatives_) {
    if (match(alternative, name)) return true;
  }
  return false;
}

}  // namespace thaw::objects
