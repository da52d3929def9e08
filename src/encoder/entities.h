// Token classification: the entities of a text, token by token, or joined to words and groups.
//
// The ways of joining are those of Hugging Face's pipeline, named as there.
// Thread: as Model. Owner: values. Limits: as classification.h.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoder/model.h"

namespace thaw::encoder {

/// none: each token. simple: neighbours of one tag, unless a B- begins another. The others first
/// give each word one label: that of its first token, of the mean of its tokens, or of its token
/// with the highest score.
enum class Aggregation { kNone, kSimple, kFirst, kAverage, kMax };
Result<Aggregation> parse_aggregation(std::string_view name);

struct EntityOptions {
  Aggregation aggregation = Aggregation::kNone;
  std::vector<std::string> ignored = {"O"};
  Model::TooLong too_long = Model::TooLong::kRefuse;
  /// If given, a text longer than the model is read in windows that share so many tokens.
  std::optional<int> stride;

  bool operator==(const EntityOptions&) const = default;
};

struct Entity {
  std::string label;  // with B- or I- only when not joined
  double score = 0;
  int index = 0;  // the token's place; not of groups
  std::string word;
  int start = 0, end = 0;  // code points
};

struct TokenLogits {
  tokenize::Encoding encoding;
  std::vector<std::vector<float>> rows;  // a number a label, for each item
};
Result<TokenLogits> entity_logits(const Model& model, std::string_view text,
                                  Model::TooLong too_long);

inline constexpr size_t kMostEntityWindows = 4096;
/// What the windows of all texts of a request may be, and whether somebody still waits for them,
/// asked between two slices of 32. kInvalidArgument where not enough are left; kCancelled.
struct EntityWork {
  size_t windows_left = kMostEntityWindows;
  std::function<bool()> is_wanted = [] { return true; };
};
/// Of each window of a text. kInvalidArgument: a stride as long as a window, too many windows.
Result<std::vector<TokenLogits>> windowed_entity_logits(const Model& model, std::string_view text,
                                                        int stride, EntityWork& work);

/// Of entities that overlap the longest, of equally long ones the one with the best score. Pure.
std::vector<Entity> without_overlaps(std::vector<Entity> entities);

/// Pure.
std::vector<Entity> join_entities(const EncoderConfig& config, const tokenize::Tokenizer& tokenizer,
                                  const TokenLogits& logits, std::string_view text,
                                  const EntityOptions& options);

Result<std::vector<Entity>> find_entities(const Model& model, std::string_view text,
                                          const EntityOptions& options, EntityWork& work);

}  // namespace thaw::encoder
