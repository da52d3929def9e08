#include "encoder/encoder.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "tensor/int8.h"
#include "tensor/shares.h"

namespace thaw::encoder {
namespace {

constexpr int kRowsATask = 8;   // of layer norms and embeddings
constexpr int kScoreRows = 48;  // so that a block of scores stays in the second-level cache
constexpr size_t kLargeTable = size_t{8} << 20;

/// Deals the product out to the threads.
void multiply_on(tensor::ThreadPool& pool, const auto& product, const auto& multiply) {
  const tensor::Shares shares(product.rows, tensor::panels_of(product.columns), pool.threads());
  pool.run(shares.count(), [&](int task, int) {
    const tensor::Share share = shares[task];
    multiply(rows_of(product, share.first_row, share.rows), share.first_panel, share.last_panel);
  });
}

}  // namespace

/// What one thread needs for one head.
struct Encoder::Scratch {
  std::vector<float> keys, values, scores;
};

/// What a pass works in; kept, so that the next one finds its memory.
struct Encoder::Workspace {
  Hidden hidden;
  std::vector<float> inner, out;
  std::vector<float> row;          // of an embedding table
  std::vector<Scratch> scratch;    // one a thread
  std::vector<uint8_t> quantised;  // what a product in 8 bits takes in
  std::vector<float> scales;
  std::vector<int32_t> zeros;
};

Encoder::Encoder(const EncoderConfig& config, const tensor::Weights& weights,
                 tensor::ThreadPool& pool, const tensor::Kernels& kernels)
    : config_(config),
      weights_(weights),
      pool_(pool),
      kernels_(kernels),
      workspace_(std::make_unique<Workspace>()) {}

Encoder::~Encoder() = default;

void Encoder::apply(const Linear& linear, std::span<const float> in, std::span<float> out,
                    tensor::Activation activation) const {
  if (linear.int8) return apply_int8(linear, in, out, activation);
  const auto rows = static_cast<int>(in.size() / static_cast<size_t>(linear.depth));
  const tensor::Product product = {.a = in.data(),
                                   .a_stride = static_cast<size_t>(linear.depth),
                                   .b = linear.matrix,
                                   .c = out.data(),
                                   .c_stride = static_cast<size_t>(linear.columns),
                                   .rows = rows,
                                   .columns = linear.columns,
                                   .depth = linear.depth,
                                   .bias = linear.bias,
                                   .activation = activation};
  multiply_on(pool_, product, kernels_.multiply);
}

void Encoder::apply_int8(const Linear& linear, std::span<const float> in, std::span<float> out,
                         tensor::Activation activation) const {
  const tensor::Int8Kernels& kernels = *kernels_.int8;
  const auto depth = static_cast<size_t>(linear.depth);
  const size_t rows = in.size() / depth;
  constexpr size_t kLine = 64;  // of the cache
  const size_t stride =
      (static_cast<size_t>(tensor::int8_depth(linear.depth)) + kLine - 1) / kLine * kLine;
  Workspace& work = *workspace_;
  work.quantised.resize(rows * stride + kLine);
  auto* quantised = reinterpret_cast<uint8_t*>(
      (reinterpret_cast<uintptr_t>(work.quantised.data()) + kLine - 1) / kLine * kLine);
  work.scales.resize(rows);
  work.zeros.resize(rows);
  const auto count = static_cast<int>(rows);
  pool_.run((count + kRowsATask - 1) / kRowsATask, [&](int task, int) {
    const auto first = static_cast<size_t>(task) * kRowsATask;
    const int here = std::min(kRowsATask, count - task * kRowsATask);
    kernels.quantise(in.data() + first * depth, depth, here, linear.depth, kernels.levels,
                     {.to = quantised + first * stride,
                      .stride = stride,
                      .scales = work.scales.data() + first,
                      .zeros = work.zeros.data() + first});
  });
  const tensor::Int8Product product = {.a = quantised,
                                       .a_stride = stride,
                                       .a_scales = work.scales.data(),
                                       .a_zeros = work.zeros.data(),
                                       .b = linear.int8,
                                       .b_scales = linear.scales,
                                       .b_sums = linear.sums,
                                       .c = out.data(),
                                       .c_stride = static_cast<size_t>(linear.columns),
                                       .rows = count,
                                       .columns = linear.columns,
                                       .depth = linear.depth,
                                       .bias = linear.bias,
                                       .activation = activation};
  multiply_on(pool_, product, kernels.multiply);
}

void Encoder::embed(std::span<const Sequence> sequences, Hidden& hidden) const {
  std::vector<float>& more = workspace_->row;
  more.resize(hidden.columns);
  for (size_t s = 0; s < sequences.size(); ++s) {
    const Sequence& sequence = sequences[s];
    int position = config_.first_position;
    for (size_t i = 0; i < sequence.ids.size(); ++i) {
      const std::span<float> row(hidden.rows.data() + (hidden.first[s] + i) * hidden.columns,
                                 hidden.columns);
      const auto columns = static_cast<int64_t>(hidden.columns);
      CHECK(sequence.ids[i] >= 0 && sequence.ids[i] < config_.vocabulary);
      read_floats(*words_, sequence.ids[i] * columns, row);
      const auto add = [&](const tensor::TensorView& table, int64_t index) {
        read_floats(table, index * columns, more);
        for (size_t k = 0; k < row.size(); ++k) row[k] += more[k];
      };
      if (types_) add(*types_, std::clamp(sequence.types[i], 0, config_.types - 1));
      add(*positions_, sequence.ids[i] == config_.padding ? config_.padding : position++);
      kernels_.layer_norm(row.data(), nullptr, row.data(), static_cast<int>(columns),
                          after_embedding_.weight, after_embedding_.bias, config_.epsilon);
    }
  }
  // A row brings in far more of the file than itself; 0.7 us a row to bring it in again.
  if (words_->data.size() >= kLargeTable) tensor::forget_pages(words_->data);
}

void Encoder::add_and_norm(const LayerNorm& norm, std::span<float> rows,
                           std::span<const float> more) const {
  const auto columns = static_cast<size_t>(config_.hidden);
  const auto count = static_cast<int>(rows.size() / columns);
  pool_.run((count + kRowsATask - 1) / kRowsATask, [&](int task, int) {
    for (int i = task * kRowsATask; i < std::min(count, (task + 1) * kRowsATask); ++i) {
      float* row = rows.data() + static_cast<size_t>(i) * columns;
      kernels_.layer_norm(row, more.data() + static_cast<size_t>(i) * columns, row, config_.hidden,
                          norm.weight, norm.bias, config_.epsilon);
    }
  });
}

void Encoder::attend_head(std::span<const float> query_key_value, std::span<float> out,
                          size_t first, int length, int head, Scratch& scratch) const {
  const int size = config_.head_size();
  const auto stride = static_cast<size_t>(3 * config_.hidden);
  const auto hidden = static_cast<size_t>(config_.hidden);
  const float* query = query_key_value.data() + first * stride + head * size;
  scratch.keys.resize(tensor::packed_floats(length, size));
  scratch.values.resize(tensor::packed_floats(size, length));
  scratch.scores.resize(static_cast<size_t>(kScoreRows) * static_cast<size_t>(length));
  tensor::pack_transposed(query + hidden, stride, length, size, scratch.keys.data());
  tensor::pack_plain(query + 2 * hidden, stride, size, length, scratch.values.data());
  const float scale = 1.F / std::sqrt(static_cast<float>(size));
  const auto score_stride = static_cast<size_t>(length);
  for (int row = 0; row < length; row += kScoreRows) {
    const int rows = std::min(kScoreRows, length - row);
    kernels_.multiply({.a = query + static_cast<size_t>(row) * stride,
                       .a_stride = stride,
                       .b = scratch.keys.data(),
                       .c = scratch.scores.data(),
                       .c_stride = score_stride,
                       .rows = rows,
                       .columns = length,
                       .depth = size},
                      0, tensor::panels_of(length));
    if (!distances_.empty()) {
      const int longest = config_.longest();
      const float* biases =
          distances_.data() + static_cast<ptrdiff_t>(head) * (2 * longest + 1) + longest;
      for (int i = 0; i < rows; ++i) {
        float* scores = scratch.scores.data() + static_cast<size_t>(i) * score_stride;
        for (int j = 0; j < length; ++j) scores[j] = scores[j] * scale + biases[j - row - i];
      }
    }
    kernels_.softmax(scratch.scores.data(), score_stride, rows, length,
                     distances_.empty() ? scale : 1.F);
    kernels_.multiply({.a = scratch.scores.data(),
                       .a_stride = score_stride,
                       .b = scratch.values.data(),
                       .c = out.data() + (first + static_cast<size_t>(row)) * hidden + head * size,
                       .c_stride = hidden,
                       .rows = rows,
                       .columns = size,
                       .depth = length},
                      0, tensor::panels_of(size));
  }
}

void Encoder::attend(const Hidden& hidden, std::span<const float> query_key_value,
                     std::span<float> out) const {
  const auto sequences = static_cast<int>(hidden.first.size()) - 1;
  std::vector<Scratch>& scratch = workspace_->scratch;
  scratch.resize(static_cast<size_t>(pool_.threads()));
  int longest = 0;  // any thread may get it
  for (int i = 0; i < sequences; ++i) {
    const auto s = static_cast<size_t>(i);
    longest = std::max(longest, static_cast<int>(hidden.first[s + 1] - hidden.first[s]));
  }
  for (Scratch& each : scratch) {
    each.keys.reserve(tensor::packed_floats(longest, config_.head_size()));
    each.values.reserve(tensor::packed_floats(config_.head_size(), longest));
    each.scores.reserve(static_cast<size_t>(kScoreRows) * static_cast<size_t>(longest));
  }
  pool_.run(sequences * config_.heads, [&](int task, int thread) {
    const auto sequence = static_cast<size_t>(task / config_.heads);
    const size_t first = hidden.first[sequence];
    const auto length = static_cast<int>(hidden.first[sequence + 1] - first);
    attend_head(query_key_value, out, first, length, task % config_.heads,
                scratch[static_cast<size_t>(thread)]);
  });
}

const Hidden& Encoder::run(std::span<const Sequence> sequences) const {
  Hidden& hidden = workspace_->hidden;
  hidden.columns = static_cast<size_t>(config_.hidden);
  hidden.first.assign(1, 0);
  for (const Sequence& sequence : sequences) {
    CHECK(!sequence.ids.empty() && static_cast<int>(sequence.ids.size()) <= config_.longest());
    CHECK(sequence.types.size() == sequence.ids.size());
    hidden.first.push_back(hidden.first.back() + sequence.ids.size());
  }
  const size_t rows = hidden.first.back();
  hidden.rows.resize(rows * hidden.columns);
  embed(sequences, hidden);
  const size_t wide = std::max(3 * config_.hidden, config_.intermediate);
  std::vector<float>&inner = workspace_->inner, &out = workspace_->out;
  inner.resize(rows * wide);
  out.resize(rows * hidden.columns);
  for (const Layer& layer : layers_) {
    const std::span<float> projected =
        std::span(inner).first(rows * static_cast<size_t>(layer.query_key_value.columns));
    apply(layer.query_key_value, hidden.rows, projected);
    // `out` holds each head's result, then, through `inner`, what they are together.
    attend(hidden, projected, out);
    const std::span<float> attended = std::span(inner).first(rows * hidden.columns);
    apply(layer.attention_out, out, attended);
    add_and_norm(layer.after_attention, hidden.rows, attended);
    const std::span<float> up =
        std::span(inner).first(rows * static_cast<size_t>(layer.up.columns));
    apply(layer.up, hidden.rows, up, config_.activation);
    apply(layer.down, up, out);
    add_and_norm(layer.after_feed_forward, hidden.rows, out);
  }
  return hidden;
}

}  // namespace thaw::encoder
