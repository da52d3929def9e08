#include "tokenize/tokenizer.h"

#include <algorithm>

#include "base/check.h"
#include "base/json.h"
#include "tokenize/files.h"
#include "tokenize/tokenizer_state.h"
#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

Encoding assemble_parts(const std::vector<TemplatePart>& parts, std::span<const Token> first,
                        std::span<const Token> second) {
  Encoding encoding;
  encoding.items.reserve(parts.size() + first.size() + second.size());
  for (const TemplatePart& part : parts) {
    if (part.sequence < 0) {
      encoding.items.push_back({{part.id, 0, 0, -1}, part.type, -1});
      continue;
    }
    for (const Token& token : part.sequence == 0 ? first : second) {
      encoding.items.push_back({token, part.type, part.sequence});
    }
  }
  return encoding;
}

size_t count_specials(const std::vector<TemplatePart>& parts) {
  return static_cast<size_t>(
      std::ranges::count_if(parts, [](const TemplatePart& part) { return part.sequence < 0; }));
}

/// Both lose tokens down to half of the room, but a shorter one than that loses none.
void cut_longest_first(std::vector<Token>& a, std::vector<Token>& b, size_t room) {
  const size_t half = room / 2;
  if (a.size() <= half) {
    b.resize(room - a.size());
  } else if (b.size() <= half) {
    a.resize(room - b.size());
  } else {
    const bool first_is_longer = a.size() > b.size();
    a.resize(first_is_longer ? room - half : half);
    b.resize(first_is_longer ? half : room - half);
  }
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// The spaces that English typography does not want.
void clean_up(std::string& text) {
  for (const std::string_view mark : {".", "?", "!", ","}) {
    replace_all(text, " " + std::string(mark), mark);
  }
  replace_all(text, " ' ", "'");
  for (const std::string_view ending : {"n't", "'m"}) {
    replace_all(text, " " + std::string(ending), ending);
  }
  replace_all(text, " do not", " don't");
  for (const std::string_view ending : {"'s", "'ve", "'re"}) {
    replace_all(text, " " + std::string(ending), ending);
  }
}

/// One text on its way to tokens.
class Tokenizing {
 public:
  Tokenizing(const Tokenizer::State& state, std::u32string_view text)
      : state_(state), text_(text) {}

  std::vector<Token> run() {
    tokens_.reserve(text_.size() / 3);
    const TextPart whole = {.codes = text_};
    split(state_.added, whole, [&](size_t begin, size_t end) { add_part(begin, end); });
    return std::move(tokens_);
  }

 private:
  /// Cuts the added tokens out of the text and calls rest(begin, end) for what lies between.
  template <class Rest>
  void split(const AddedTokens& added, const TextPart& text, const Rest& rest) {
    size_t at = 0;
    while (const auto match = added.next(text.codes, at)) {
      if (at < match->begin) rest(at, match->begin);
      tokens_.push_back(
          {match->id, text.origin_of(match->begin), text.origin_of(match->end - 1) + 1, word_++});
      if (state_.trimming) {
        trim(tokens_.back(),
             end_spaces(text.codes.substr(match->begin, match->end - match->begin)));
      }
      at = match->end;
    }
    if (at < text.codes.size()) rest(at, text.codes.size());
  }

  void add_part(size_t begin, size_t end) {
    if (state_.normalizer.changes_nothing()) {
      return add_normalized(
          {text_.substr(begin, end - begin), nullptr, static_cast<int32_t>(begin)});
    }
    const Normalized part = state_.normalizer.run(text_, begin, end);
    add_normalized({part.codes, part.origin.data()});
  }

  void add_normalized(const TextPart& part) {
    if (state_.added_normalized.is_empty()) return add_words(part);
    split(state_.added_normalized, part, [&](size_t begin, size_t end) {
      add_words({part.codes.substr(begin, end - begin), part.origin ? part.origin + begin : nullptr,
                 part.first + static_cast<int32_t>(begin)});
    });
  }

  void add_words(const TextPart& part) {
    const size_t before = tokens_.size();
    std::visit([&](const auto& model) { model.tokenize(part, word_, tokens_); }, state_.model);
    if (!state_.trimming) return;
    for (size_t i = before; i < tokens_.size(); ++i) {
      const auto id = static_cast<size_t>(tokens_[i].id);
      if (id < state_.spaces.size()) trim(tokens_[i], state_.spaces[id]);
    }
  }

  /// As the post-processors ByteLevel and RobertaProcessing do.
  void trim(Token& token, EndSpaces spaces) const {
    const bool is_first = &token == tokens_.data() || token.begin == 0;
    if (is_first && state_.trimming->keeps_first_space && spaces.leading == 1) spaces.leading = 0;
    token.begin = std::min(token.begin + spaces.leading, token.end);
    if (token.end >= spaces.trailing)
      token.end = std::max(token.end - spaces.trailing, token.begin);
  }

  const Tokenizer::State& state_;
  std::u32string_view text_;
  std::vector<Token> tokens_;
  int32_t word_ = 0;
};

/// The bytes that a token stands for; itself when a character of it stands for none.
void append_bytes(std::string& out, std::string_view token) {
  std::string bytes;
  for (const char32_t character : decode_utf8(token)) {
    const int byte = byte_of_character(character);
    if (byte < 0) {
      out += token;
      return;
    }
    bytes += static_cast<char>(byte);
  }
  out += bytes;
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::parse(std::string_view text, int64_t most_ids) {
  auto json = Json::parse(text);
  if (!json) return std::move(json).error();
  ASSIGN_OR_RETURN(std::unique_ptr<State> state, state_from_json(*json, most_ids));
  return Tokenizer(std::move(state));
}

Result<Tokenizer> Tokenizer::open(const std::string& folder, int64_t most_ids) {
  const std::string path = folder + "/tokenizer.json";
  auto text = read_text_file(path);
  if (text) {
    auto made = parse(*text, most_ids);
    if (!made) return std::move(made).error().with_context(path);
    RETURN_IF_ERROR(apply_settings(folder, *made->state_));
    return made;
  }
  if (text.error().code() != Code::kNotFound) return std::move(text).error();
  ASSIGN_OR_RETURN(std::unique_ptr<State> state, state_from_files(folder, most_ids));
  return Tokenizer(std::move(state));
}

std::vector<Token> Tokenizer::tokenize(std::string_view text) const {
  const std::u32string codes = decode_utf8(text);
  return Tokenizing(*state_, codes).run();
}

Encoding Tokenizer::encode(std::string_view text, size_t most) const {
  std::vector<Token> tokens = tokenize(text);
  const size_t room = most - std::min(most, specials_of_one());
  if (tokens.size() > room) tokens.resize(room);
  return assemble(tokens);
}

Encoding Tokenizer::encode_pair(std::string_view first, std::string_view second, size_t most,
                                Cut cut) const {
  std::vector<Token> a = tokenize(first), b = tokenize(second);
  const size_t room = most - std::min(most, specials_of_pair());
  if (a.size() + b.size() > room) {
    switch (cut) {
      case Cut::kLongestFirst:
        cut_longest_first(a, b, room);
        break;
      case Cut::kOnlyFirst:
        a.resize(room - std::min(room, b.size()));
        break;
      case Cut::kOnlySecond:
        b.resize(room - std::min(room, a.size()));
        break;
    }
  }
  return assemble_pair(a, b);
}

Encoding Tokenizer::assemble(std::span<const Token> text) const {
  return assemble_parts(state_->one, text, {});
}

Encoding Tokenizer::assemble_pair(std::span<const Token> first,
                                  std::span<const Token> second) const {
  return assemble_parts(state_->pair, first, second);
}

size_t Tokenizer::specials_of_one() const { return count_specials(state_->one); }
size_t Tokenizer::specials_of_pair() const { return count_specials(state_->pair); }

std::string_view Tokenizer::text_of(int32_t id) const { return state_->vocabulary.text_of(id); }

std::string Tokenizer::decode(std::span<const int32_t> ids, Specials specials) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const int32_t id : ids) {
    if (specials == Specials::kShow || !is_special(id)) tokens.emplace_back(text_of(id));
  }
  std::string text = join(tokens);
  if (state_->cleans_up_texts) clean_up(text);
  return text;
}

std::string Tokenizer::join(std::span<const std::string> tokens) const {
  std::string text;
  if (state_->decoding == Decoding::kBytes) {
    for (const std::string& token : tokens) append_bytes(text, token);
    return encode_utf8(decode_utf8(text));  // bytes that are no characters become U+FFFD
  }
  const bool joins = state_->decoding == Decoding::kWordPiece && !state_->decoder_prefix.empty();
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::string piece = tokens[i];
    if (i > 0 && joins && piece.starts_with(state_->decoder_prefix)) {
      piece.erase(0, state_->decoder_prefix.size());
    } else if (i > 0) {
      piece.insert(0, " ");
    }
    if (state_->decoding == Decoding::kWordPiece && state_->decoder_cleans_up) clean_up(piece);
    text += piece;
  }
  return text;
}

bool Tokenizer::is_special(int32_t id) const { return state_->special.contains(id); }
std::optional<int32_t> Tokenizer::id_of(std::string_view token) const {
  return state_->vocabulary.find(token);
}
std::optional<int32_t> Tokenizer::mask_id() const { return id_of(state_->mask); }
std::optional<int32_t> Tokenizer::padding_id() const { return id_of(state_->padding); }
std::optional<int32_t> Tokenizer::unknown_id() const { return id_of(state_->unknown); }
size_t Tokenizer::vocabulary_size() const { return state_->vocabulary.texts().size(); }
bool Tokenizer::is_byte_level() const { return std::holds_alternative<ByteBpe>(state_->model); }
std::string_view Tokenizer::continuing_prefix() const { return state_->continuing_prefix; }

EndSpaces end_spaces(std::u32string_view token) {
  const auto is_space = [](char32_t code) {
    return code == byte_characters()[' '] || is_white_space(code);
  };
  const auto leading = std::ranges::find_if_not(token, is_space) - token.begin();
  const auto trailing = std::find_if_not(token.rbegin(), token.rend(), is_space) - token.rbegin();
  return {static_cast<int32_t>(leading), static_cast<int32_t>(trailing)};
}

void Tokenizer::State::find_spaces() {
  if (!trimming) return;
  for (const std::string& text : vocabulary.texts()) {
    spaces.push_back(end_spaces(decode_utf8(text)));
  }
}

void Tokenizer::State::add(const Added& token) {
  std::u32string text = decode_utf8(token.text);
  if (token.is_normalized) text = normalizer.run(text, 0, text.size()).codes;
  AddedTokens& tokens = token.is_normalized ? added_normalized : added;
  tokens.add({.text = std::move(text),
              .id = token.id,
              .takes_space_left = token.takes_space_left,
              .takes_space_right = token.takes_space_right,
              .single_word = token.single_word});
  if (token.is_special) special.insert(token.id);
  added_ids.insert(token.id);
}

Status Vocabulary::add(std::string text, int64_t id) {
  if (id < 0 || id >= most_ids_) {
    return Error(Code::kOutOfRange, "the token '" + text + "' has the id " + std::to_string(id) +
                                        ", which is not from 0 to " +
                                        std::to_string(most_ids_ - 1));
  }
  const auto at = static_cast<size_t>(id);
  if (at >= texts_.size()) texts_.resize(at + 1);
  if (!texts_[at].empty() && texts_[at] != text) {
    return Error(Code::kInvalidArgument, "the id " + std::to_string(id) + " belongs to '" +
                                             texts_[at] + "' and to '" + text + "'");
  }
  if (texts_[at].empty()) texts_[at] = std::move(text);
  return {};
}

void Vocabulary::index() {
  ids_.clear();
  ids_.reserve(texts_.size());
  for (size_t id = 0; id < texts_.size(); ++id) {
    if (!texts_[id].empty()) ids_.insert_or_assign(texts_[id], static_cast<int32_t>(id));
  }
}

std::optional<int32_t> Vocabulary::find(std::string_view text) const {
  const auto found = ids_.find(text);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

std::string_view Vocabulary::text_of(int32_t id) const {
  const auto at = static_cast<size_t>(id);
  return id >= 0 && at < texts_.size() ? std::string_view(texts_[at]) : std::string_view();
}

}  // namespace thaw::tokenize
