// Tokenizers of folders without tokenizer.json: vocab.txt, or vocab.json and merges.txt; and what
// the other files of a folder say of a tokenizer.
#include <fmt/format.h>

#include <charconv>

#include "base/json.h"
#include "tokenize/files.h"
#include "tokenize/tokenizer_state.h"
#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

/// What tokenizer_config.json and special_tokens_map.json say; an absent file says nothing.
Result<Json> read_optional(const std::string& path) {
  auto text = read_text_file(path);
  if (!text) {
    if (text.error().code() == Code::kNotFound) return Json::object();
    return std::move(text).error();
  }
  auto json = Json::parse(*text);
  if (!json) return std::move(json).error().with_context(path);
  return json;
}

struct Names {
  Json config, map;

  static Result<Names> read(const std::string& folder) {
    Names names;
    ASSIGN_OR_RETURN(names.config, read_optional(folder + "/tokenizer_config.json"));
    ASSIGN_OR_RETURN(names.map, read_optional(folder + "/special_tokens_map.json"));
    return names;
  }

  /// The name of a special token: a text, or an object with its content.
  std::string get(std::string_view key, std::string_view otherwise) const {
    for (const Json* source : {&map, &config}) {
      const Json& value = (*source)[key];
      if (value.is_string()) return value.as_string();
      if (const std::string content = value.string_or("content"); !content.empty()) return content;
    }
    return std::string(otherwise);
  }
};

/// Calls each(line) without the line's end.
template <class Each>
Status for_lines(std::string_view text, Each each) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    RETURN_IF_ERROR(each(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Result<int32_t> add_special(Tokenizer::State& state, const std::string& name, std::string_view key,
                            const Tokenizer::State::Added& how) {
  const auto id = state.vocabulary.find(name);
  if (!id) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}: '{}' is not in the vocabulary", key, name));
  }
  Tokenizer::State::Added token = how;
  token.text = name;
  token.id = *id;
  state.add(token);
  return *id;
}

Status add_optional(Tokenizer::State& state, const std::string& name,
                    const Tokenizer::State::Added& how) {
  if (state.vocabulary.find(name)) {
    ASSIGN_OR_RETURN([[maybe_unused]] const int32_t id, add_special(state, name, "", how));
  }
  return {};
}

Status fill_wordpiece(Tokenizer::State& state, std::string_view vocabulary, const Names& names) {
  int64_t id = 0;
  RETURN_IF_ERROR(for_lines(vocabulary, [&](std::string_view line) {
    return state.vocabulary.add(std::string(line), id++);
  }));
  state.vocabulary.index();
  state.continuing_prefix = "##";
  state.unknown = names.get("unk_token", "[UNK]");
  state.mask = names.get("mask_token", "[MASK]");
  const std::string cls = names.get("cls_token", "[CLS]"), sep = names.get("sep_token", "[SEP]");
  ASSIGN_OR_RETURN(const int32_t begin, add_special(state, cls, "cls_token", {}));
  ASSIGN_OR_RETURN(const int32_t end, add_special(state, sep, "sep_token", {}));
  const bool is_mpnet = cls == "<s>";
  state.padding = names.get("pad_token", "[PAD]");
  RETURN_IF_ERROR(add_optional(state, state.unknown, {}));
  RETURN_IF_ERROR(add_optional(state, state.padding, {}));
  RETURN_IF_ERROR(add_optional(state, state.mask, {.takes_space_left = is_mpnet}));
  state.one = {{.id = begin}, {.sequence = 0}, {.id = end}};
  state.pair = {{.id = begin}, {.sequence = 0}, {.id = end}};
  if (is_mpnet) state.pair.push_back({.id = end});
  state.pair.push_back({.sequence = 1, .type = is_mpnet ? 0 : 1});
  state.pair.push_back({.id = end, .type = is_mpnet ? 0 : 1});
  const bool lower_case = names.config.bool_or("do_lower_case", true);
  using Step = Normalizer::Step;
  state.normalizer.add(Step::kClean);
  if (names.config.bool_or("tokenize_chinese_chars", true)) {
    state.normalizer.add(Step::kSplitIdeographs);
  }
  if (names.config.bool_or("strip_accents", lower_case)) {
    state.normalizer.add(Step::kDecompose);
    state.normalizer.add(Step::kDropNonspacing);
  }
  if (lower_case) state.normalizer.add(Step::kLowerCase);
  return make_wordpiece(state, {});
}

Status fill_byte_bpe(Tokenizer::State& state, std::string_view vocabulary, std::string_view merges,
                     const Names& names) {
  ASSIGN_OR_RETURN(const Json json, Json::parse(vocabulary));
  if (!json.is_object())
    return Error(Code::kInvalidArgument, "must be an object of tokens and ids");
  for (const auto& [text, id] : json.as_object()) {
    if (!id.is_int()) {
      return Error(Code::kInvalidArgument, fmt::format("'{}' has no whole number", text));
    }
    RETURN_IF_ERROR(state.vocabulary.add(text, id.as_int()));
  }
  state.vocabulary.index();
  state.unknown = names.get("unk_token", "<unk>");
  state.mask = names.get("mask_token", "<mask>");
  const std::string cls = names.get("cls_token", "<s>"), sep = names.get("sep_token", "</s>");
  ASSIGN_OR_RETURN(const int32_t begin, add_special(state, cls, "cls_token", {}));
  ASSIGN_OR_RETURN(const int32_t end, add_special(state, sep, "sep_token", {}));
  state.padding = names.get("pad_token", "<pad>");
  RETURN_IF_ERROR(add_optional(state, state.unknown, {}));
  RETURN_IF_ERROR(add_optional(state, state.padding, {}));
  RETURN_IF_ERROR(add_optional(state, state.mask, {.takes_space_left = true}));
  state.one = {{.id = begin}, {.sequence = 0}, {.id = end}};
  state.pair = {{.id = begin}, {.sequence = 0}, {.id = end},
                {.id = end},   {.sequence = 1}, {.id = end}};
  std::vector<MergePair> pairs;
  RETURN_IF_ERROR(for_lines(merges, [&](std::string_view line) -> Status {
    if (line.empty() || line.starts_with("#version")) return {};
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) {
      return Error(Code::kInvalidArgument,
                   fmt::format("merges.txt: entry {} must be two tokens", pairs.size()));
    }
    pairs.push_back({std::string(line.substr(0, space)), std::string(line.substr(space + 1))});
    return {};
  }));
  const bool adds_space = names.config.bool_or("add_prefix_space", false);
  state.decoding = Decoding::kBytes;
  if (names.config.bool_or("trim_offsets", true)) state.trimming = Trimming{adds_space};
  state.find_spaces();
  return make_byte_bpe(state, {.add_prefix_space = adds_space}, pairs);
}

Status add_new(Tokenizer::State& state, const Tokenizer::State::Added& token) {
  RETURN_IF_ERROR(state.vocabulary.add(token.text, token.id));
  if (!state.is_added(token.id)) state.add(token);
  return {};
}

Status id_fault(std::string_view id) {
  return Error(Code::kInvalidArgument, fmt::format("'{}' is no id with its token", id));
}

/// "added_tokens_decoder" of tokenizer_config.json: the id as text, and the token.
Status add_described(Tokenizer::State& state, const Json& tokens) {
  if (!tokens.is_object()) return {};
  for (const auto& [text, each] : tokens.as_object()) {
    int32_t id = -1;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
    const std::string content = each.string_or("content");
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || content.empty()) {
      return id_fault(text);
    }
    RETURN_IF_ERROR(add_new(state, added_token(each, content, id)));
  }
  return {};
}

/// added_tokens.json: tokens and their ids.
Status add_listed(Tokenizer::State& state, const Json& tokens) {
  for (const auto& [text, id] : tokens.as_object()) {
    if (text.empty() || !id.is_int() || id.as_int() < 0 || id.as_int() >= Tokenizer::kMostIds) {
      return id_fault(text);
    }
    RETURN_IF_ERROR(add_new(state, {.text = text,
                                    .id = static_cast<int32_t>(id.as_int()),
                                    .is_normalized = true,
                                    .is_special = false}));
  }
  return {};
}

Status add_more_tokens(const std::string& folder, const Names& names, Tokenizer::State& state) {
  if (auto added = add_described(state, names.config["added_tokens_decoder"]); !added) {
    return std::move(added).error().with_context(folder +
                                                 "/tokenizer_config.json: added_tokens_decoder");
  }
  const std::string path = folder + "/added_tokens.json";
  ASSIGN_OR_RETURN(const Json listed, read_optional(path));
  if (listed.is_object()) {
    if (auto added = add_listed(state, listed); !added) {
      return std::move(added).error().with_context(path);
    }
  }
  state.vocabulary.index();
  return {};
}

Status apply(const std::string& folder, const Names& names, Tokenizer::State& state) {
  RETURN_IF_ERROR(add_more_tokens(folder, names, state));
  const auto rename = [&](std::string& name, std::string_view key) {
    const std::string given = names.get(key, name);
    if (state.vocabulary.find(given)) name = given;
  };
  rename(state.mask, "mask_token");
  rename(state.padding, "pad_token");
  rename(state.unknown, "unk_token");
  state.cleans_up_texts = names.config.bool_or("clean_up_tokenization_spaces", false);
  return {};
}

Status fill_from_files(const std::string& folder, const Names& names, Tokenizer::State& state) {
  const std::string words = folder + "/vocab.txt", tokens = folder + "/vocab.json";
  auto listed = read_text_file(words);
  if (listed) {
    auto filled = fill_wordpiece(state, *listed, names);
    return filled ? filled : std::move(filled).error().with_context(words);
  }
  if (listed.error().code() != Code::kNotFound) return std::move(listed).error();
  auto text = read_text_file(tokens);
  auto merges = read_text_file(folder + "/merges.txt");
  if (!text || !merges) {
    return Error(Code::kNotFound, folder +
                                      ": has neither tokenizer.json nor vocab.txt nor "
                                      "vocab.json with merges.txt; SentencePiece's own files are "
                                      "not read");
  }
  auto filled = fill_byte_bpe(state, *text, *merges, names);
  return filled ? filled : std::move(filled).error().with_context(tokens);
}

}  // namespace

Status apply_settings(const std::string& folder, Tokenizer::State& state) {
  ASSIGN_OR_RETURN(const Names names, Names::read(folder));
  return apply(folder, names, state);
}

Result<std::unique_ptr<Tokenizer::State>> state_from_files(const std::string& folder,
                                                           int64_t most_ids) {
  auto state = std::make_unique<Tokenizer::State>();
  state->vocabulary.limit(most_ids);
  ASSIGN_OR_RETURN(const Names names, Names::read(folder));
  RETURN_IF_ERROR(fill_from_files(folder, names, *state));
  RETURN_IF_ERROR(apply(folder, names, *state));
  return state;
}

}  // namespace thaw::tokenize
