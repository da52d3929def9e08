// Where each family's weights are found in its files.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "encoder/encoder.h"

namespace thaw::encoder {
namespace {

struct LayerNames {
  const char* layer;  // with the number
  const char* query;
  const char* key;
  const char* value;
  const char* attention_out;
  const char* after_attention;
  const char* up;
  const char* down;
  const char* after_feed_forward;
};

constexpr LayerNames kBertNames = {
    "encoder.layer.{}.",    "attention.self.query",   "attention.self.key",
    "attention.self.value", "attention.output.dense", "attention.output.LayerNorm",
    "intermediate.dense",   "output.dense",           "output.LayerNorm"};
constexpr LayerNames kDistilBertNames = {
    "transformer.layer.{}.", "attention.q_lin", "attention.k_lin", "attention.v_lin",
    "attention.out_lin",     "sa_layer_norm",   "ffn.lin1",        "ffn.lin2",
    "output_layer_norm"};
constexpr LayerNames kMpnetNames = {"encoder.layer.{}.",  "attention.attn.q", "attention.attn.k",
                                    "attention.attn.v",   "attention.attn.o", "attention.LayerNorm",
                                    "intermediate.dense", "output.dense",     "output.LayerNorm"};

const LayerNames& names_of(Family family) {
  if (family == Family::kDistilBert) return kDistilBertNames;
  return family == Family::kMpnet ? kMpnetNames : kBertNames;
}

constexpr int kMpnetBuckets = 32;  // whatever the table's size

/// MPNet's bucket of a distance: near ones each their own, far ones by their logarithm. (T5's
/// relative positions, Raffel et al. 2020, bidirectional, distance 128.)
int bucket_of(int key_minus_query, int buckets) {
  constexpr double kFarthest = 128;
  const int half = buckets / 2, exact = half / 2;
  const int base = key_minus_query > 0 ? half : 0, distance = std::abs(key_minus_query);
  if (distance < exact) return base + distance;
  const double share =
      std::log(static_cast<double>(distance) / exact) / std::log(kFarthest / exact);
  return base + std::min(half - 1, exact + static_cast<int>(share * (half - exact)));
}

}  // namespace

Status Encoder::plan(Arena& arena, Precision precision) {
  RETURN_IF_ERROR(plan_embeddings(arena));
  if (config_.relative_buckets > 0) RETURN_IF_ERROR(plan_distances());
  layers_.resize(static_cast<size_t>(config_.layers));
  for (int i = 0; i < config_.layers; ++i) RETURN_IF_ERROR(plan_layer(arena, i, precision));
  return {};
}

Status Encoder::plan_embeddings(Arena& arena) {
  const std::string words = "embeddings.word_embeddings.weight";
  prefix_ = std::string(family_name(config_.family)) + ".";
  if (!weights_.find(prefix_ + words)) prefix_.clear();
  const std::string begin = prefix_ + "embeddings.";
  ASSIGN_OR_RETURN(words_, weights_.get(prefix_ + words, {config_.vocabulary, config_.hidden}));
  ASSIGN_OR_RETURN(positions_, weights_.get(begin + "position_embeddings.weight",
                                            {config_.positions, config_.hidden}));
  if (config_.types > 0) {
    ASSIGN_OR_RETURN(types_, weights_.get(begin + "token_type_embeddings.weight",
                                          {config_.types, config_.hidden}));
  }
  return arena.plan(after_embedding_, begin + "LayerNorm", config_.hidden);
}

Status Encoder::plan_layer(Arena& arena, int index, Precision precision) {
  const LayerNames& names = names_of(config_.family);
  const std::string begin = prefix_ + fmt::format(fmt::runtime(names.layer), index);
  Layer& layer = layers_[static_cast<size_t>(index)];
  const int hidden = config_.hidden;
  const auto plan = [&](Linear& linear, const std::vector<std::string>& ends, int columns,
                        int depth) {
    std::vector<std::string> full;
    for (const std::string& end : ends) full.push_back(begin + end);
    return arena.plan(linear, full, columns, depth, precision);
  };
  RETURN_IF_ERROR(
      plan(layer.query_key_value, {names.query, names.key, names.value}, hidden, hidden));
  RETURN_IF_ERROR(plan(layer.attention_out, {names.attention_out}, hidden, hidden));
  RETURN_IF_ERROR(arena.plan(layer.after_attention, begin + names.after_attention, hidden));
  RETURN_IF_ERROR(plan(layer.up, {names.up}, config_.intermediate, hidden));
  RETURN_IF_ERROR(plan(layer.down, {names.down}, hidden, config_.intermediate));
  return arena.plan(layer.after_feed_forward, begin + names.after_feed_forward, hidden);
}

Status Encoder::plan_distances() {
  ASSIGN_OR_RETURN(const auto* table,
                   weights_.get(prefix_ + "encoder.relative_attention_bias.weight",
                                {config_.relative_buckets, config_.heads}));
  std::vector<float> biases(static_cast<size_t>(table->elements()));
  read_floats(*table, 0, biases);
  const int longest = config_.longest(), width = 2 * longest + 1;
  distances_.resize(static_cast<size_t>(config_.heads) * static_cast<size_t>(width));
  for (int head = 0; head < config_.heads; ++head) {
    for (int distance = -longest; distance <= longest; ++distance) {
      const int bucket = bucket_of(distance, std::min(config_.relative_buckets, kMpnetBuckets));
      distances_[static_cast<size_t>(head * width + distance + longest)] =
          biases[static_cast<size_t>(bucket * config_.heads + head)];
    }
  }
  return {};
}

}  // namespace thaw::encoder
