// Tokenizers of folders without tokenizer.json: vocab.txt, or vocab.json and merges.txt.
#include <fmt/format.h>

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
                            const SpecialToken& how) {
  const auto id = state.vocabulary.find(name);
  if (!id) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}: '{}' is not in the vocabulary", key, name));
  }
  SpecialToken token = how;
  token.text = decode_utf8(name);
  token.id = *id;
  state.specials.add(std::move(token));
  return *id;
}

Status add_optional(Tokenizer::State& state, const std::string& name, const SpecialToken& how) {
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
  RETURN_IF_ERROR(add_optional(state, state.unknown, {}));
  RETURN_IF_ERROR(add_optional(state, names.get("pad_token", "[PAD]"), {}));
  RETURN_IF_ERROR(add_optional(state, state.mask, {.takes_space_left = is_mpnet}));
  state.one = {{.id = begin}, {.sequence = 0}, {.id = end}};
  state.pair = {{.id = begin}, {.sequence = 0}, {.id = end}};
  if (is_mpnet) state.pair.push_back({.id = end});
  state.pair.push_back({.sequence = 1, .type = is_mpnet ? 0 : 1});
  state.pair.push_back({.id = end, .type = is_mpnet ? 0 : 1});
  WordPieceOptions options;
  options.lower_case = names.config.bool_or("do_lower_case", true);
  options.strip_accents = names.config.bool_or("strip_accents", options.lower_case);
  options.split_ideographs = names.config.bool_or("tokenize_chinese_chars", true);
  return make_wordpiece(state, std::move(options));
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
  RETURN_IF_ERROR(add_optional(state, state.unknown, {}));
  RETURN_IF_ERROR(add_optional(state, names.get("pad_token", "<pad>"), {}));
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
  const ByteBpeOptions options = {.add_prefix_space =
                                      names.config.bool_or("add_prefix_space", false)};
  return make_byte_bpe(state, options, pairs);
}

}  // namespace

Result<std::unique_ptr<Tokenizer::State>> state_from_files(const std::string& folder) {
  auto state = std::make_unique<Tokenizer::State>();
  Names names;
  ASSIGN_OR_RETURN(names.config, read_optional(folder + "/tokenizer_config.json"));
  ASSIGN_OR_RETURN(names.map, read_optional(folder + "/special_tokens_map.json"));
  const std::string words = folder + "/vocab.txt", tokens = folder + "/vocab.json";
  auto listed = read_text_file(words);
  if (listed) {
    if (auto filled = fill_wordpiece(*state, *listed, names); !filled) {
      return std::move(filled).error().with_context(words);
    }
    return state;
  }
  if (listed.error().code() != Code::kNotFound) return std::move(listed).error();
  auto text = read_text_file(tokens);
  auto merges = read_text_file(folder + "/merges.txt");
  if (!text || !merges) {
    return Error(Code::kNotFound, folder +
                                      ": has neither tokenizer.json nor vocab.txt nor "
                                      "vocab.json with merges.txt");
  }
  if (auto filled = fill_byte_bpe(*state, *text, *merges, names); !filled) {
    return std::move(filled).error().with_context(tokens);
  }
  return state;
}

}  // namespace thaw::tokenize
