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

std::string sequence_with(const Model& model, const tokenize::Encoding& encoding, size_t place,
                          int32_t token) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < encoding.items.size(); ++i) {
    const int32_t id = i == place ? token : encoding.items[i].token.id;
    if (!model.tokenizer().is_special(id)) ids.push_back(id);
  }
  return model.tokenizer().decode(ids);
}

std::vector<Filling> best_fillings(const Model& model, const tokenize::Encoding& encoding,
                                   size_t place, const std::vector<float>& logits, int top_k) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  std::vector<int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto count = std::min(static_cast<ptrdiff_t>(top_k), std::ssize(order));
  const auto logit_of = [&](int32_t id) { return logits[static_cast<size_t>(id)]; };
  std::ranges::partial_sort(order, order.begin() + count, std::greater<>(), logit_of);
  std::vector<Filling> best;
  for (ptrdiff_t i = 0; i < count; ++i) {
    const int32_t id = order[static_cast<size_t>(i)];
    best.push_back({std::exp(logit_of(id) - largest) / sum, id, model.tokenizer().decode({{id}}),
                    sequence_with(model, encoding, place, id)});
  }
  return best;
}

}  // namespace

Result<std::vector<std::vector<Filling>>> fill_masks(const Model& model, std::string_view text,
                                                     int top_k, Model::TooLong too_long) {
  const auto mask = model.tokenizer().mask_id();
  if (!mask) return Error(Code::kFailedPrecondition, "the model's tokenizer has no mask token");
  ASSIGN_OR_RETURN(const tokenize::Encoding encoding, model.encode(text, too_long));
  std::vector<size_t> places;
  for (size_t i = 0; i < encoding.items.size(); ++i) {
    if (encoding.items[i].token.id == *mask) places.push_back(i);
  }
  if (places.empty() || places.size() > kMostMasks) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the text has {} masks: write {} once to {} times", places.size(),
                             model.tokenizer().text_of(*mask), kMostMasks));
  }
  std::vector<std::vector<Filling>> fillings;
  model.run({&encoding, 1}, [&](size_t, const Hidden& hidden, size_t) {
    for (const size_t place : places) {
      const auto logits = vocabulary_logits(model, hidden.row(0, place));
      fillings.push_back(best_fillings(model, encoding, place, logits, top_k));
    }
  });
  return fillings;
}

}  // namespace thaw::encoder
