#include "tokenize/special_tokens.h"

#include <algorithm>

#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

bool is_word_part(char32_t code) { return is_letter(code) || is_number(code) || code == '_'; }

}  // namespace

void SpecialTokens::add(SpecialToken token) {
  if (token.text.empty()) return;
  if (first_letters_.find(token.text[0]) == std::u32string::npos) first_letters_ += token.text[0];
  const auto at = std::ranges::find_if(
      tokens_, [&](const SpecialToken& each) { return each.text.size() < token.text.size(); });
  tokens_.insert(at, std::move(token));
}

bool SpecialTokens::contains(int32_t id) const {
  return std::ranges::any_of(tokens_, [&](const SpecialToken& token) { return token.id == id; });
}

std::optional<SpecialTokens::Match> SpecialTokens::next(std::u32string_view text,
                                                        size_t from) const {
  for (size_t at = from; at < text.size(); ++at) {
    if (first_letters_.find(text[at]) == std::u32string::npos) continue;
    for (const SpecialToken& token : tokens_) {
      if (!text.substr(at).starts_with(token.text)) continue;
      Match match = {at, at + token.text.size(), token.id};
      const bool is_inside = (at > 0 && is_word_part(text[at - 1])) ||
                             (match.end < text.size() && is_word_part(text[match.end]));
      if (token.single_word && is_inside) continue;
      while (token.takes_space_left && match.begin > from &&
             is_white_space(text[match.begin - 1])) {
        --match.begin;
      }
      while (token.takes_space_right && match.end < text.size() &&
             is_white_space(text[match.end])) {
        ++match.end;
      }
      return match;
    }
  }
  return std::nullopt;
}

}  // namespace thaw::tokenize
