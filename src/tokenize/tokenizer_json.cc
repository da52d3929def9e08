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
    // Of a token that the model has, its number there counts.
    const auto known = state.vocabulary.find(text);
    const int64_t number = known ? *known : id.as_int();
    if (auto added = state.vocabulary.add(text, number); !added) {
      return std::move(added).error().with_context("added_tokens");
    }
    state.add(added_token(each, text, static_cast<int32_t>(number)));
    if (text == "[MASK]" || text == "<mask>") state.mask = text;
    if (text == "[PAD]" || text == "<pad>") state.padding = text;
  }
  return {};
}

using Step = Normalizer::Step;

void add_bert_steps(const Json& json, Normalizer& normalizer) {
  const bool lower_case = json.bool_or("lowercase", true);
  if (json.bool_or("clean_text", true)) normalizer.add(Step::kClean);
  if (json.bool_or("handle_chinese_chars", true)) normalizer.add(Step::kSplitIdeographs);
  if (json.bool_or("strip_accents", lower_case)) {
    normalizer.add(Step::kDecompose);
    normalizer.add(Step::kDropNonspacing);
  }
  if (lower_case) normalizer.add(Step::kLowerCase);
}

/// The parts of {"type": "Sequence", key: [...]}; else the part alone.
std::vector<const Json*> parts_of(const Json& part, std::string_view list_key) {
  std::vector<const Json*> parts;
  const Json& list = part[list_key];
  if (part.string_or("type") == "Sequence" && list.is_array()) {
    for (const Json& each : list.as_array()) parts.push_back(&each);
  } else if (!part.is_null()) {
    parts.push_back(&part);
  }
  return parts;
}

Status read_normalizer(const Json& json, Normalizer& normalizer) {
  for (const Json* part : parts_of(json["normalizer"], "normalizers")) {
    const std::string kind = part->string_or("type");
    if (kind == "BertNormalizer") {
      add_bert_steps(*part, normalizer);
    } else if (kind == "NFD") {
      normalizer.add(Step::kDecompose);
    } else if (kind == "StripAccents") {
      normalizer.add(Step::kDropMarks);
    } else if (kind == "Lowercase") {
      normalizer.add(Step::kLowerCase);
    } else {
      return unknown_kind("normalizer", kind,
                          "BertNormalizer, NFD, StripAccents and Lowercase are");
    }
  }
  return {};
}

Result<WordPieceOptions> wordpiece_options(const Json& json, const Tokenizer::State& state) {
  WordPieceOptions options;
  using Split = WordPieceOptions::Split;
  constexpr std::pair<std::string_view, Split> kSplits[] = {
      {"BertPreTokenizer", Split::kBert},
      {"Whitespace", Split::kWhitespace},
      {"WhitespaceSplit", Split::kWhitespaceSplit}};
  const auto parts = parts_of(json["pre_tokenizer"], "pretokenizers");
  const std::string splitter = parts.size() == 1 ? parts[0]->string_or("type") : "Sequence";
  const auto* known =
      std::ranges::find(kSplits, splitter, &std::pair<std::string_view, Split>::first);
  if (known == std::end(kSplits)) {
    return unknown_kind("pre_tokenizer", parts.empty() ? "null" : splitter,
                        "with WordPiece, BertPreTokenizer, Whitespace and WhitespaceSplit are");
  }
  options.split = known->second;
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
  const auto parts = parts_of(json["pre_tokenizer"], "pretokenizers");
  const Json& splitter = parts.size() == 1 ? *parts[0] : json["pre_tokenizer"];
  if (splitter.string_or("type") != "ByteLevel" || !splitter.bool_or("use_regex", true)) {
    return unknown_kind("pre_tokenizer", splitter.string_or("type", "null"),
                        "with BPE, ByteLevel with its own splitting is");
  }
  const Json& model = json["model"];
  for (const std::string_view key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.string_or(key).empty()) {
      return wrong(fmt::format("model.{}", key), "is not served with byte-level BPE");
    }
  }
  for (const std::string_view key : {"byte_fallback", "ignore_merges"}) {
    if (model.bool_or(key, false)) {
      return wrong(fmt::format("model.{}", key), "true is not served with byte-level BPE");
    }
  }
  if (model.double_or("dropout", 0) != 0) {
    return wrong("model.dropout", "must be null: the same text must give the same tokens");
  }
  ASSIGN_OR_RETURN(const std::vector<MergePair> merges, read_merges(model["merges"]));
  state.unknown = model.string_or("unk_token", "<unk>");
  ByteBpeOptions options = {.add_prefix_space = splitter.bool_or("add_prefix_space", true),
                            .fuses_unknown = model.bool_or("fuse_unk", false)};
  if (model["unk_token"].is_string()) {
    const auto unknown = state.vocabulary.find(state.unknown);
    if (!unknown) {
      return wrong("model.unk_token", fmt::format("'{}' is not in the vocabulary", state.unknown));
    }
    options.unknown_id = *unknown;
  }
  return make_byte_bpe(state, options, merges);
}

Result<int32_t> special_id(const Json& processor, const std::string& name,
                           const Tokenizer::State& state) {
  const Json& ids = processor["special_tokens"][name]["ids"];
  if (ids.is_array() && ids.as_array().size() == 1 && ids.as_array()[0].is_int()) {
    const int64_t id = ids.as_array()[0].as_int();
    if (id >= 0 && id < static_cast<int64_t>(state.vocabulary.texts().size())) {
      return static_cast<int32_t>(id);
    }
  }
  if (const auto id = state.vocabulary.find(name)) return *id;
  return wrong("post_processor", fmt::format("the special token '{}' has no id", name));
}

Result<std::vector<TemplatePart>> read_template(const Json& processor, std::string_view key,
                                                const Tokenizer::State& state) {
  const std::string where = fmt::format("post_processor.{}", key);
  const Json& list = processor[key];
  if (!list.is_array()) return wrong(where, "must be a list");
  std::vector<TemplatePart> parts;
  for (const Json& each : list.as_array()) {
    TemplatePart part;
    const bool is_special = each.find("SpecialToken") != nullptr;
    const Json& item = each[is_special ? "SpecialToken" : "Sequence"];
    part.type = static_cast<int32_t>(std::clamp<int64_t>(item.int_or("type_id", 0), 0, 1));
    const std::string id = item.string_or("id");
    if (is_special) {
      ASSIGN_OR_RETURN(part.id, special_id(processor, id, state));
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
Result<int32_t> end_token(const Json& processor, std::string_view key,
                          const Tokenizer::State& state) {
  const Json& pair = processor[key];
  const bool is_pair =
      pair.is_array() && pair.as_array().size() == 2 && pair.as_array()[1].is_int();
  if (!is_pair || pair.as_array()[1].as_int() < 0 ||
      pair.as_array()[1].as_int() >= static_cast<int64_t>(state.vocabulary.texts().size())) {
    return wrong(fmt::format("post_processor.{}", key), "must be a token and its id");
  }
  return static_cast<int32_t>(pair.as_array()[1].as_int());
}

/// What BertProcessing and RobertaProcessing put around texts.
Status add_ends(const Json& processor, Tokenizer::State& state) {
  ASSIGN_OR_RETURN(const int32_t begin, end_token(processor, "cls", state));
  ASSIGN_OR_RETURN(const int32_t end, end_token(processor, "sep", state));
  state.one = {{.id = begin}, {.sequence = 0}, {.id = end}};
  state.pair = processor.string_or("type") == "BertProcessing"
                   ? std::vector<TemplatePart>{{.id = begin},
                                               {.sequence = 0},
                                               {.id = end},
                                               {.sequence = 1, .type = 1},
                                               {.id = end, .type = 1}}
                   : std::vector<TemplatePart>{{.id = begin}, {.sequence = 0}, {.id = end},
                                               {.id = end},   {.sequence = 1}, {.id = end}};
  return {};
}

Status read_templates(const Json& json, Tokenizer::State& state) {
  state.one = {{.sequence = 0}};
  state.pair = {{.sequence = 0}, {.sequence = 1, .type = 1}};
  const bool adds_space = json["pre_tokenizer"].bool_or("add_prefix_space", true);
  for (const Json* processor : parts_of(json["post_processor"], "processors")) {
    const std::string kind = processor->string_or("type");
    const bool trims = (kind == "ByteLevel" || kind == "RobertaProcessing") &&
                       processor->bool_or("trim_offsets", true);
    if (trims) state.trimming = Trimming{processor->bool_or("add_prefix_space", adds_space)};
    if (kind == "TemplateProcessing") {
      ASSIGN_OR_RETURN(state.one, read_template(*processor, "single", state));
      ASSIGN_OR_RETURN(state.pair, read_template(*processor, "pair", state));
    } else if (kind == "BertProcessing" || kind == "RobertaProcessing") {
      RETURN_IF_ERROR(add_ends(*processor, state));
    } else if (kind != "ByteLevel") {
      return unknown_kind(
          "post_processor", kind,
          "TemplateProcessing, BertProcessing, RobertaProcessing and ByteLevel are");
    }
  }
  state.find_spaces();
  return {};
}

void read_decoder(const Json& json, Tokenizer::State& state) {
  const Json& decoder = json["decoder"];
  const std::string kind = decoder.string_or("type");
  const bool is_bytes = std::holds_alternative<ByteBpe>(state.model);
  if (kind == "ByteLevel" || (kind.empty() && is_bytes)) state.decoding = Decoding::kBytes;
  state.decoder_prefix = decoder.string_or("prefix", state.continuing_prefix);
  state.decoder_cleans_up = decoder.bool_or("cleanup", true);
}

}  // namespace

Tokenizer::State::Added added_token(const Json& json, const std::string& text, int32_t id) {
  const bool is_special = json.bool_or("special", true);
  return {.text = text,
          .id = id,
          .takes_space_left = json.bool_or("lstrip", false),
          .takes_space_right = json.bool_or("rstrip", false),
          .single_word = json.bool_or("single_word", false),
          .is_normalized = json.bool_or("normalized", !is_special),
          .is_special = is_special};
}

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
  state.model = std::move(model);
  return {};
}

Result<std::unique_ptr<Tokenizer::State>> state_from_json(const Json& json, int64_t most_ids) {
  auto state = std::make_unique<Tokenizer::State>();
  state->vocabulary.limit(most_ids);
  const Json& model = json["model"];
  const bool is_bpe = model["merges"].is_array();
  const std::string kind = model.string_or("type", is_bpe ? "BPE" : "WordPiece");
  if (kind != "WordPiece" && kind != "BPE") {
    return unknown_kind("model", kind, "WordPiece and BPE are");
  }
  RETURN_IF_ERROR(read_vocabulary(json, state->vocabulary));
  RETURN_IF_ERROR(read_normalizer(json, state->normalizer));
  state->vocabulary.index();
  // The model knows its own tokens only; those that are added never are parts of words.
  if (kind == "BPE") {
    RETURN_IF_ERROR(read_bpe(json, *state));
  } else {
    state->continuing_prefix = model.string_or("continuing_subword_prefix", "##");
    state->unknown = model.string_or("unk_token", "[UNK]");
    ASSIGN_OR_RETURN(WordPieceOptions options, wordpiece_options(json, *state));
    RETURN_IF_ERROR(make_wordpiece(*state, std::move(options)));
  }
  RETURN_IF_ERROR(read_added_tokens(json, *state));
  state->vocabulary.index();
  read_decoder(json, *state);
  RETURN_IF_ERROR(read_templates(json, *state));
  return state;
}

}  // namespace thaw::tokenize
