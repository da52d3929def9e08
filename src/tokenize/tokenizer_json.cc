// tokenizer.json: what of it is understood, and clear words about what is not.
#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "tokenize/tokenizer_state.h"
#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

Error wrong(std::string_view key, std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("{}: {}", key, what));
}

Error unknown_kind(std::string_view key, std::string_view kind, std::string_view known) {
  return Error(Code::kUnimplemented,
               fmt::format("{}: type '{}' is not served: {}", key, kind.substr(0, 40), known));
}

Status read_vocabulary(const Json& json, Vocabulary& vocabulary) {
  const Json& tokens = json["model"]["vocab"];
  if (!tokens.is_object()) return wrong("model.vocab", "must be an object of tokens and ids");
  for (const auto& [text, id] : tokens.as_object()) {
    if (!id.is_int()) return wrong("model.vocab", fmt::format("'{}' has no whole number", text));
    if (auto added = vocabulary.add(text, id.as_int()); !added) {
      return std::move(added).error().with_context("model.vocab");
    }
  }
  return {};
}

Status read_added_tokens(const Json& json, Tokenizer::State& state) {
  const Json& tokens = json["added_tokens"];
  if (tokens.is_null()) return {};
  if (!tokens.is_array()) return wrong("added_tokens", "must be a list");
  for (const Json& each : tokens.as_array()) {
    const std::string text = each.string_or("content");
    const Json& id = each["id"];
    if (text.empty() || !id.is_int()) return wrong("added_tokens", "each needs content and id");
    if (auto added = state.vocabulary.add(text, id.as_int()); !added) {
      return std::move(added).error().with_context("added_tokens");
    }
    state.specials.add({.text = decode_utf8(text),
                        .id = static_cast<int32_t>(id.as_int()),
                        .takes_space_left = each.bool_or("lstrip", false),
                        .takes_space_right = each.bool_or("rstrip", false),
                        .single_word = each.bool_or("single_word", false)});
    if (text == "[MASK]" || text == "<mask>") state.mask = text;
  }
  return {};
}

/// A part that may be wrapped in {"type": "Sequence", key: [one]}.
const Json& unwrapped(const Json& part, std::string_view list_key) {
  const Json& list = part[list_key];
  const bool wraps_one =
      part.string_or("type") == "Sequence" && list.is_array() && list.as_array().size() == 1;
  return wraps_one ? list.as_array()[0] : part;
}

Result<WordPieceOptions> wordpiece_options(const Json& json, const Tokenizer::State& state) {
  WordPieceOptions options;
  const Json& normalizer = unwrapped(json["normalizer"], "normalizers");
  if (normalizer.is_null()) {
    options.clean_text = options.split_ideographs = false;
    options.strip_accents = options.lower_case = false;
  } else if (normalizer.string_or("type") == "BertNormalizer") {
    options.clean_text = normalizer.bool_or("clean_text", true);
    options.split_ideographs = normalizer.bool_or("handle_chinese_chars", true);
    options.lower_case = normalizer.bool_or("lowercase", true);
    options.strip_accents = normalizer.bool_or("strip_accents", options.lower_case);
  } else {
    return unknown_kind("normalizer", normalizer.string_or("type"), "BertNormalizer is");
  }
  const std::string splitter = unwrapped(json["pre_tokenizer"], "pretokenizers").string_or("type");
  if (splitter != "BertPreTokenizer") {
    return unknown_kind("pre_tokenizer", splitter, "with WordPiece, BertPreTokenizer is");
  }
  const Json& model = json["model"];
  options.continuing_prefix = decode_utf8(state.continuing_prefix);
  const int64_t longest = model.int_or("max_input_chars_per_word", 100);
  constexpr int64_t kLongestWord = 10'000;
  if (longest < 1 || longest > kLongestWord) {
    return wrong("model.max_input_chars_per_word", "must be from 1 to 10000");
  }
  options.max_word = static_cast<size_t>(longest);
  return options;
}

Result<std::vector<MergePair>> read_merges(const Json& list) {
  if (!list.is_array()) return wrong("model.merges", "must be a list");
  std::vector<MergePair> merges;
  merges.reserve(list.as_array().size());
  for (const Json& each : list.as_array()) {
    if (each.is_array() && each.as_array().size() == 2 && each.as_array()[0].is_string() &&
        each.as_array()[1].is_string()) {
      merges.push_back({each.as_array()[0].as_string(), each.as_array()[1].as_string()});
      continue;
    }
    const size_t space = each.is_string() ? each.as_string().find(' ') : std::string::npos;
    if (space == std::string::npos) {
      return wrong("model.merges", fmt::format("entry {} must be two tokens", merges.size()));
    }
    merges.push_back({each.as_string().substr(0, space), each.as_string().substr(space + 1)});
  }
  return merges;
}

Status read_bpe(const Json& json, Tokenizer::State& state) {
  if (!json["normalizer"].is_null()) {
    return unknown_kind("normalizer", json["normalizer"].string_or("type"), "with BPE, none is");
  }
  const Json& splitter = unwrapped(json["pre_tokenizer"], "pretokenizers");
  if (splitter.string_or("type") != "ByteLevel" || !splitter.bool_or("use_regex", true)) {
    return unknown_kind("pre_tokenizer", splitter.string_or("type"),
                        "with BPE, ByteLevel with its own splitting is");
  }
  const Json& model = json["model"];
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.string_or(key).empty()) return wrong(key, "is not served with byte-level BPE");
  }
  ASSIGN_OR_RETURN(const std::vector<MergePair> merges, read_merges(model["merges"]));
  const Json& after = json["post_processor"];
  const bool trims = after.bool_or("trim_offsets", splitter.bool_or("trim_offsets", true));
  state.unknown = model.string_or("unk_token", "<unk>");
  return make_byte_bpe(state, {splitter.bool_or("add_prefix_space", true), trims}, merges);
}

Result<int32_t> special_id(const Json& json, const std::string& name,
                           const Tokenizer::State& state) {
  const Json& ids = json["post_processor"]["special_tokens"][name]["ids"];
  if (ids.is_array() && ids.as_array().size() == 1 && ids.as_array()[0].is_int()) {
    const int64_t id = ids.as_array()[0].as_int();
    if (id >= 0 && id < static_cast<int64_t>(state.vocabulary.texts().size())) {
      return static_cast<int32_t>(id);
    }
  }
  if (const auto id = state.vocabulary.find(name)) return *id;
  return wrong("post_processor", fmt::format("the special token '{}' has no id", name));
}

Result<std::vector<TemplatePart>> read_template(const Json& json, std::string_view key,
                                                const Tokenizer::State& state) {
  const std::string where = fmt::format("post_processor.{}", key);
  const Json& list = json["post_processor"][key];
  if (!list.is_array()) return wrong(where, "must be a list");
  std::vector<TemplatePart> parts;
  for (const Json& each : list.as_array()) {
    TemplatePart part;
    const bool is_special = each.find("SpecialToken") != nullptr;
    const Json& item = each[is_special ? "SpecialToken" : "Sequence"];
    part.type = static_cast<int32_t>(std::clamp<int64_t>(item.int_or("type_id", 0), 0, 1));
    const std::string id = item.string_or("id");
    if (is_special) {
      ASSIGN_OR_RETURN(part.id, special_id(json, id, state));
    } else if (id == "A" || id == "B") {
      part.sequence = id == "A" ? 0 : 1;
    } else {
      return wrong(where, "each must be a SpecialToken or the Sequence A or B");
    }
    parts.push_back(part);
  }
  for (const int32_t sequence : {0, 1}) {
    const int64_t wanted = sequence == 0 || key == "pair" ? 1 : 0;
    const auto count = std::ranges::count(parts, sequence, &TemplatePart::sequence);
    if (count == wanted) continue;
    return wrong(where, fmt::format("must have the Sequence {} {}", sequence == 0 ? 'A' : 'B',
                                    wanted == 1 ? "once" : "never"));
  }
  return parts;
}

/// BertProcessing and RobertaProcessing: cls and sep as ["[CLS]", 101].
Result<int32_t> end_token(const Json& json, std::string_view key, const Tokenizer::State& state) {
  const Json& pair = json["post_processor"][key];
  const bool is_pair =
      pair.is_array() && pair.as_array().size() == 2 && pair.as_array()[1].is_int();
  if (!is_pair || pair.as_array()[1].as_int() < 0 ||
      pair.as_array()[1].as_int() >= static_cast<int64_t>(state.vocabulary.texts().size())) {
    return wrong(fmt::format("post_processor.{}", key), "must be a token and its id");
  }
  return static_cast<int32_t>(pair.as_array()[1].as_int());
}

Status read_templates(const Json& json, Tokenizer::State& state) {
  const Json& processor = json["post_processor"];
  const std::string kind = processor.string_or("type");
  if (processor.is_null()) {
    state.one = {{.sequence = 0}};
    state.pair = {{.sequence = 0}, {.sequence = 1, .type = 1}};
    return {};
  }
  if (kind == "TemplateProcessing") {
    ASSIGN_OR_RETURN(state.one, read_template(json, "single", state));
    ASSIGN_OR_RETURN(state.pair, read_template(json, "pair", state));
    return {};
  }
  if (kind != "BertProcessing" && kind != "RobertaProcessing") {
    return unknown_kind("post_processor", kind,
                        "TemplateProcessing, BertProcessing and RobertaProcessing are");
  }
  ASSIGN_OR_RETURN(const int32_t begin, end_token(json, "cls", state));
  ASSIGN_OR_RETURN(const int32_t end, end_token(json, "sep", state));
  state.one = {{.id = begin}, {.sequence = 0}, {.id = end}};
  state.pair = kind == "BertProcessing"
                   ? std::vector<TemplatePart>{{.id = begin},
                                               {.sequence = 0},
                                               {.id = end},
                                               {.sequence = 1, .type = 1},
                                               {.id = end, .type = 1}}
                   : std::vector<TemplatePart>{{.id = begin}, {.sequence = 0}, {.id = end},
                                               {.id = end},   {.sequence = 1}, {.id = end}};
  return {};
}

}  // namespace

Status make_wordpiece(Tokenizer::State& state, WordPieceOptions options) {
  const auto unknown = state.vocabulary.find(state.unknown);
  if (!unknown) {
    return wrong("model.unk_token", fmt::format("'{}' is not in the vocabulary", state.unknown));
  }
  options.unknown_id = *unknown;
  WordPiece model(std::move(options));
  for (size_t id = 0; id < state.vocabulary.texts().size(); ++id) {
    model.add(decode_utf8(state.vocabulary.texts()[id]), static_cast<int32_t>(id));
  }
  state.model = std::move(model);
  return {};
}

Status make_byte_bpe(Tokenizer::State& state, const ByteBpeOptions& options,
                     const std::vector<MergePair>& merges) {
  ByteBpe model(options);
  for (size_t byte = 0; byte < byte_characters().size(); ++byte) {
    std::string text;
    append_utf8(text, byte_characters()[byte]);
    const auto id = state.vocabulary.find(text);
    if (id) model.set_byte(static_cast<uint8_t>(byte), *id);
  }
  for (size_t i = 0; i < merges.size(); ++i) {
    const auto left = state.vocabulary.find(merges[i].left);
    const auto right = state.vocabulary.find(merges[i].right);
    const auto merged = state.vocabulary.find(merges[i].left + merges[i].right);
    if (!left || !right || !merged) {
      return wrong("merges", fmt::format("entry {}: '{}', '{}' and both together must be in the "
                                         "vocabulary",
                                         i, merges[i].left, merges[i].right));
    }
    model.add_merge(*left, *right, *merged);
  }
  for (size_t id = 0; id < state.vocabulary.texts().size(); ++id) {
    const std::u32string text = decode_utf8(state.vocabulary.texts()[id]);
    const auto is_space = [](char32_t code) {
      return code == byte_characters()[' '] || is_white_space(code);
    };
    const auto leading = std::ranges::find_if_not(text, is_space) - text.begin();
    const auto trailing = std::find_if_not(text.rbegin(), text.rend(), is_space) - text.rbegin();
    if (leading == 0 && trailing == 0) continue;
    model.set_spaces(static_cast<int32_t>(id), static_cast<uint8_t>(std::min<long>(leading, 255)),
                     static_cast<uint8_t>(std::min<long>(trailing, 255)));
  }
  state.model = std::move(model);
  return {};
}

Result<std::unique_ptr<Tokenizer::State>> state_from_json(const Json& json) {
  auto state = std::make_unique<Tokenizer::State>();
  const Json& model = json["model"];
  const bool is_bpe = model["merges"].is_array();
  const std::string kind = model.string_or("type", is_bpe ? "BPE" : "WordPiece");
  if (kind != "WordPiece" && kind != "BPE") {
    return unknown_kind("model", kind, "WordPiece and BPE are");
  }
  RETURN_IF_ERROR(read_vocabulary(json, state->vocabulary));
  RETURN_IF_ERROR(read_added_tokens(json, *state));
  state->vocabulary.index();
  if (kind == "BPE") {
    RETURN_IF_ERROR(read_bpe(json, *state));
  } else {
    state->continuing_prefix = model.string_or("continuing_subword_prefix", "##");
    state->unknown = model.string_or("unk_token", "[UNK]");
    state->decoder_cleans_up = json["decoder"].bool_or("cleanup", true);
    ASSIGN_OR_RETURN(WordPieceOptions options, wordpiece_options(json, *state));
    RETURN_IF_ERROR(make_wordpiece(*state, std::move(options)));
  }
  RETURN_IF_ERROR(read_templates(json, *state));
  return state;
}

}  // namespace thaw::tokenize
