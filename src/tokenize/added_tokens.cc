#include "tokenize/added_tokens.h"

#include <algorithm>

#include "tokenize/unicode.h"

namespace thaw::tokenize {

void AddedTokens::add(AddedToken token) {
  if (token.text.empty()) return;
  if (first_letters_.find(token.text[0]) == std::u32string::npos) first_letters_ += token.text[0];
  const auto at = std::ranges::find_if(
      tokens_, [&](const AddedToken& each) { return each.text.size() < token.text.size(); });
  tokens_.insert(at, std::move(token));
}

const AddedToken* AddedTokens::longest_at(std::u32string_view text) const {
  if (first_letters_.find(text[0]) == std::u32string::npos) return nullptr;
  const auto found = std::ranges::find_if(
      tokens_, [&](const AddedToken& token) { return text.starts_with(token.text); });
  return found == tokens_.end() ? nullptr : &*found;
}

std::optional<AddedTokens::Match> AddedTokens::next(std::u32string_view text, size_t from) const {
  for (size_t at = from; at < text.size(); ++at) {
    const AddedToken* token = longest_at(text.substr(at));
    if (!token) continue;
    Match match = {at, at + token->text.size(), token->id};
    const bool is_inside = (at > 0 && is_word_part(text[at - 1])) ||
                           (match.end < text.size() && is_word_part(text[match.end]));
    if (token->single_word && is_inside) {
      at = match.end - 1;
      continue;
    }
    while (token->takes_space_left && match.begin > from && is_white_space(text[match.begin - 1])) {
      --match.begin;
    }
    while (token->takes_space_right && match.end < text.size() && is_white_space(text[match.end])) {
      ++match.end;
    }
    return match;
  }
  return std::nullopt;
}

}  // namespace thaw::tokenize
