#include "encoder/fill_mask.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace thaw::encoder {
namespace {

/// The logits of all tokens at one mask: a row of the vocabulary's matrix each, from the file.
std::vector<float> vocabulary_logits(const Model& model, std::span<const float> vector) {
  const Head& head = model.head();
  std::vector<float> inner(vector.size()), row(vector.size());
  model.encoder().apply(*head.inner, vector, inner, head.inner_activation);
  const auto columns = static_cast<int>(inner.size());
  model.encoder().kernels().layer_norm(inner.data(), nullptr, inner.data(), columns,
                                       head.norm.weight, head.norm.bias, model.config().epsilon);
  std::vector<float> logits(static_cast<size_t>(model.config().vocabulary));
  for (size_t token = 0; token < logits.size(); ++token) {
    read_floats(*head.vocabulary, static_cast<int64_t>(token) * columns, row);
    logits[token] =
        std::inner_product(row.begin(), row.end(), inner.begin(), head.vocabulary_bias[token]);
  }
  return logits;
}

using Specials = tokenize::Tokenizer::Specials;

std::string sequence_with(const Model& model, const tokenize::Encoding& encoding, size_t place,
                          int32_t token, Specials specials) {
  const auto padding = model.tokenizer().padding_id();
  std::vector<int32_t> ids;
  for (size_t i = 0; i < encoding.items.size(); ++i) {
    const int32_t id = i == place ? token : encoding.items[i].token.id;
    if (id != padding) ids.push_back(id);
  }
  return model.tokenizer().decode(ids, specials);
}

/// The candidates with the highest logits, the best first.
std::vector<int32_t> best_of(std::vector<int32_t> ids, const std::vector<float>& logits,
                             int top_k) {
  const auto count = std::min(static_cast<ptrdiff_t>(top_k), std::ssize(ids));
  const auto logit_of = [&](int32_t id) { return logits[static_cast<size_t>(id)]; };
  std::ranges::partial_sort(ids, ids.begin() + count, std::greater<>(), logit_of);
  ids.resize(static_cast<size_t>(count));
  return ids;
}

double sum_of_exponentials(const std::vector<float>& logits, double largest) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return sum;
}

}  // namespace

Result<std::vector<int32_t>> fill_candidates(const Model& model,
                                             const std::vector<std::string>& targets) {
  std::vector<int32_t> ids;
  if (targets.empty()) {
    ids.resize(static_cast<size_t>(model.config().vocabulary));
    std::iota(ids.begin(), ids.end(), 0);
    return ids;
  }
  for (const std::string& target : targets) {
    if (const auto id = model.tokenizer().id_of(target)) {
      ids.push_back(*id);
    } else if (const auto tokens = model.tokenizer().tokenize(target); !tokens.empty()) {
      ids.push_back(tokens[0].id);
    }
  }
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  if (ids.empty()) return Error(Code::kInvalidArgument, "targets: none of them has a token");
  return ids;
}

Result<std::vector<std::vector<Filling>>> fill_masks(const Model& model, std::string_view text,
                                                     const std::vector<int32_t>& candidates,
                                                     const FillOptions& options,
                                                     FillBudget& budget) {
  const auto& tokenizer = model.tokenizer();
  const auto mask = tokenizer.mask_id();
  if (!mask) return Error(Code::kFailedPrecondition, "the model's tokenizer has no mask token");
  ASSIGN_OR_RETURN(const tokenize::Encoding encoding, model.encode(text, options.too_long));
  std::vector<size_t> places;
  for (size_t i = 0; i < encoding.items.size(); ++i) {
    if (encoding.items[i].token.id == *mask) places.push_back(i);
  }
  if (places.empty() || places.size() > kMostMasks) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the text has {} masks: write {} once to {} times", places.size(),
                             tokenizer.text_of(*mask), kMostMasks));
  }
  const size_t fillings_each = std::min(static_cast<size_t>(options.top_k), candidates.size());
  const size_t cost = places.size() * fillings_each * (encoding.items.size() + kTokensPerFilling);
  if (cost > budget.left) {
    return Error(Code::kInvalidArgument,
                 fmt::format("top_k: {} fillings of {} masks are too many, with those of the texts "
                             "before: ask for fewer, or divide the texts",
                             fillings_each, places.size()));
  }
  budget.left -= cost;
  // With several masks the others are shown, and with them all special tokens.
  const Specials specials = places.size() == 1 ? Specials::kLeaveOut : Specials::kShow;
  std::vector<std::vector<Filling>> fillings;
  model.run({&encoding, 1}, [&](size_t, const Hidden& hidden, size_t) {
    for (const size_t place : places) {
      const auto logits = vocabulary_logits(model, hidden.row(0, place));
      const double largest = *std::ranges::max_element(logits);
      const double sum = sum_of_exponentials(logits, largest);
      auto& best = fillings.emplace_back();
      for (const int32_t id : best_of(candidates, logits, options.top_k)) {
        best.push_back({std::exp(logits[static_cast<size_t>(id)] - largest) / sum, id,
                        tokenizer.decode({{id}}),
                        sequence_with(model, encoding, place, id, specials)});
      }
    }
  });
  return fillings;
}

}  // namespace thaw::encoder
