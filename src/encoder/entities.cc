#include "encoder/entities.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "tokenize/unicode.h"

namespace thaw::encoder {
namespace {

constexpr std::array<std::string_view, 5> kAggregations = {"none", "simple", "first", "average",
                                                           "max"};

/// A token or, later, a word with its probabilities of each label.
struct Piece {
  std::vector<double> scores;
  std::string word;
  int index = 0;
  int start = 0, end = 0;
  bool goes_on = false;  // belongs to the word before it

  size_t best() const {
    return static_cast<size_t>(std::ranges::max_element(scores) - scores.begin());
  }
};

std::vector<double> softmax(const std::vector<float>& logits) {
  const double largest = *std::ranges::max_element(logits);
  std::vector<double> scores;
  for (const float logit : logits) scores.push_back(std::exp(logit - largest));
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  for (double& score : scores) score /= sum;
  return scores;
}

std::vector<Piece> pieces_of(const tokenize::Tokenizer& tokenizer, const TokenLogits& logits,
                             std::u32string_view text) {
  std::vector<Piece> pieces;
  const auto& items = logits.encoding.items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].sequence < 0) continue;
    const auto& token = items[i].token;
    const auto begin = static_cast<size_t>(token.begin), end = static_cast<size_t>(token.end);
    const std::u32string_view covered = text.substr(begin, end - begin);
    Piece piece = {softmax(logits.rows[i]), std::string(tokenizer.text_of(token.id)),
                   static_cast<int>(i), token.begin, token.end};
    if (token.id == tokenizer.unknown_id()) {
      piece.word = tokenize::encode_utf8(covered);
    } else if (tokenizer.continuing_prefix().empty()) {
      piece.goes_on =
          begin > 0 && text.substr(begin - 1, 2).find(U' ') == std::u32string_view::npos;
    } else {
      piece.goes_on = tokenize::code_points(piece.word) != covered.size();
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

/// The word's scores, as the strategy takes them from its tokens.
std::vector<double> word_scores(std::span<const Piece> tokens, Aggregation aggregation) {
  if (aggregation == Aggregation::kFirst) return tokens[0].scores;
  if (aggregation == Aggregation::kMax) {
    const auto best = std::ranges::max_element(
        tokens, std::less<>(), [](const Piece& token) { return token.scores[token.best()]; });
    return best->scores;
  }
  std::vector<double> mean(tokens[0].scores.size());
  for (const Piece& token : tokens) {
    for (size_t i = 0; i < mean.size(); ++i) mean[i] += token.scores[i];
  }
  for (double& each : mean) each /= static_cast<double>(tokens.size());
  return mean;
}

template <class Item>
std::string joined_words(const tokenize::Tokenizer& tokenizer, std::span<const Item> items) {
  std::vector<std::string> words;
  for (const Item& item : items) words.push_back(item.word);
  return tokenizer.join(words);
}

std::vector<Piece> words_of(const tokenize::Tokenizer& tokenizer, const std::vector<Piece>& tokens,
                            Aggregation aggregation) {
  std::vector<Piece> words;
  for (size_t first = 0; first < tokens.size();) {
    size_t last = first + 1;
    while (last < tokens.size() && tokens[last].goes_on) ++last;
    const std::span<const Piece> word = std::span(tokens).subspan(first, last - first);
    words.push_back({word_scores(word, aggregation), joined_words(tokenizer, word),
                     word.front().index, word.front().start, word.back().end});
    first = last;
  }
  return words;
}

struct Tag {
  bool begins = false;
  std::string_view name;
};
Tag tag_of(std::string_view label) {
  const bool begins = label.starts_with("B-");
  if (begins || label.starts_with("I-")) label.remove_prefix(2);
  return {begins, label};
}

std::vector<Entity> grouped(const tokenize::Tokenizer& tokenizer,
                            const std::vector<Entity>& entities) {
  std::vector<Entity> groups;
  for (size_t first = 0; first < entities.size();) {
    const std::string_view name = tag_of(entities[first].label).name;
    size_t last = first + 1;
    for (; last < entities.size(); ++last) {
      const Tag tag = tag_of(entities[last].label);
      if (tag.name != name || tag.begins) break;
    }
    const std::span<const Entity> group = std::span(entities).subspan(first, last - first);
    double sum = 0;
    for (const Entity& entity : group) sum += entity.score;
    const size_t dash = group[0].label.find('-');
    groups.push_back(
        {.label = dash == std::string::npos ? group[0].label : group[0].label.substr(dash + 1),
         .score = sum / static_cast<double>(group.size()),
         .word = joined_words(tokenizer, group),
         .start = group.front().start,
         .end = group.back().end});
    first = last;
  }
  return groups;
}

}  // namespace

Result<Aggregation> parse_aggregation(std::string_view name) {
  const auto found = std::ranges::find(kAggregations, name);
  if (found != kAggregations.end()) return static_cast<Aggregation>(found - kAggregations.begin());
  return Error(Code::kInvalidArgument,
               fmt::format("aggregation_strategy: '{}' is none of {}", name.substr(0, 40),
                           fmt::join(kAggregations, ", ")));
}

namespace {

/// A number a label, for each token of each encoding.
std::vector<TokenLogits> logits_of(const Model& model, std::vector<tokenize::Encoding> encodings) {
  std::vector<TokenLogits> all(encodings.size());
  model.run(encodings, [&](size_t index, const Hidden& hidden, size_t row) {
    const auto columns = static_cast<size_t>(model.head().out.columns);
    const size_t tokens = hidden.first[row + 1] - hidden.first[row];
    std::vector<float> numbers(tokens * columns);
    model.encoder().apply(model.head().out, {hidden.row(row, 0).data(), tokens * hidden.columns},
                          numbers);
    for (auto at = numbers.begin(); at != numbers.end(); at += static_cast<ptrdiff_t>(columns)) {
      all[index].rows.emplace_back(at, at + static_cast<ptrdiff_t>(columns));
    }
  });
  for (size_t i = 0; i < all.size(); ++i) all[i].encoding = std::move(encodings[i]);
  return all;
}

}  // namespace

Result<TokenLogits> entity_logits(const Model& model, std::string_view text,
                                  Model::TooLong too_long) {
  ASSIGN_OR_RETURN(tokenize::Encoding encoding, model.encode(text, too_long));
  return std::move(logits_of(model, {std::move(encoding)}).front());
}

Result<std::vector<TokenLogits>> windowed_entity_logits(const Model& model, std::string_view text,
                                                        int stride, EntityWork& work) {
  const auto& tokenizer = model.tokenizer();
  const auto tokens = tokenizer.tokenize(text);
  const size_t room = model.longest() - std::min(model.longest(), tokenizer.specials_of_one());
  if (stride < 0 || static_cast<size_t>(stride) >= room) {
    return Error(Code::kInvalidArgument,
                 fmt::format("stride: {} must be from 0 to {}, less than the {} tokens that the "
                             "model takes of a text",
                             stride, room - 1, room));
  }
  const size_t step = room - static_cast<size_t>(stride);
  const size_t count = tokens.size() <= room ? 1 : (tokens.size() - room + step - 1) / step + 1;
  if (count > work.windows_left) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the text's {} tokens make {} windows, and all texts may have {} "
                             "together: send less, or choose a smaller stride",
                             tokens.size(), count, kMostEntityWindows));
  }
  work.windows_left -= count;
  std::vector<TokenLogits> all;
  std::vector<tokenize::Encoding> slice;
  for (size_t i = 0; i < count; ++i) {
    const size_t begin = i * step;
    slice.push_back(tokenizer.assemble(
        std::span(tokens).subspan(begin, std::min(room, tokens.size() - begin))));
    if (slice[0].items.empty()) {
      return Error(Code::kInvalidArgument, "the text has no tokens that the model knows");
    }
    constexpr size_t kSlice = 32;
    if (slice.size() < kSlice && i + 1 < count) continue;
    if (!work.is_wanted()) return Error(Code::kCancelled, "nobody waits for the entities");
    std::ranges::move(logits_of(model, std::exchange(slice, {})), std::back_inserter(all));
  }
  return all;
}

std::vector<Entity> without_overlaps(std::vector<Entity> entities) {
  std::ranges::stable_sort(entities, std::less<>(), &Entity::start);
  std::vector<Entity> kept;
  for (Entity& entity : entities) {
    if (kept.empty() || entity.start >= kept.back().end) {
      kept.push_back(std::move(entity));
      continue;
    }
    Entity& last = kept.back();
    const int length = entity.end - entity.start, other = last.end - last.start;
    if (length > other || (length == other && entity.score > last.score)) last = std::move(entity);
  }
  return kept;
}

std::vector<Entity> join_entities(const EncoderConfig& config, const tokenize::Tokenizer& tokenizer,
                                  const TokenLogits& logits, std::string_view text,
                                  const EntityOptions& options) {
  std::vector<Piece> pieces = pieces_of(tokenizer, logits, tokenize::decode_utf8(text));
  if (options.aggregation != Aggregation::kNone && options.aggregation != Aggregation::kSimple) {
    pieces = words_of(tokenizer, pieces, options.aggregation);
  }
  std::vector<Entity> entities;
  for (const Piece& piece : pieces) {
    const size_t best = piece.best();
    entities.push_back(
        {config.labels[best], piece.scores[best], piece.index, piece.word, piece.start, piece.end});
  }
  if (options.aggregation != Aggregation::kNone) entities = grouped(tokenizer, entities);
  std::erase_if(entities, [&](const Entity& entity) {
    return std::ranges::find(options.ignored, entity.label) != options.ignored.end();
  });
  return entities;
}

Result<std::vector<Entity>> find_entities(const Model& model, std::string_view text,
                                          const EntityOptions& options, EntityWork& work) {
  if (!options.stride) {
    ASSIGN_OR_RETURN(const TokenLogits logits, entity_logits(model, text, options.too_long));
    return join_entities(model.config(), model.tokenizer(), logits, text, options);
  }
  if (options.aggregation == Aggregation::kNone) {
    return Error(Code::kInvalidArgument,
                 "stride: needs an aggregation_strategy other than none, by which the entities of "
                 "several windows are joined");
  }
  ASSIGN_OR_RETURN(const auto windows, windowed_entity_logits(model, text, *options.stride, work));
  std::vector<Entity> all;
  for (const TokenLogits& window : windows) {
    auto own = join_entities(model.config(), model.tokenizer(), window, text, options);
    std::ranges::move(own, std::back_inserter(all));
  }
  return windows.size() > 1 ? without_overlaps(std::move(all)) : all;
}

}  // namespace thaw::encoder
