// Model: a folder in the Hugging Face layout, loaded: configuration, tokenizer, encoder, head.
//
// What it can be asked is in question_answering.h, classification.h, entities.h, embedding.h and
// fill_mask.h. Thread: one call at a time; the work itself uses the pool's threads.
// Owner: itself. Limits: batches are worked off about kBatchTokens tokens at a time.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "encoder/config.h"
#include "encoder/encoder.h"
#include "encoder/head.h"
#include "encoder/pooling.h"
#include "encoder/sentence_stage.h"
#include "tokenize/tokenizer.h"

namespace thaw::encoder {

struct ModelOptions {
  std::optional<Task> task;  // else by config.json and modules.json
  int threads = 0;           // 0: as many as the cgroup gives CPUs
  Precision precision = Precision::kFloat32;
  std::string_view kernels;  // "amx", "avx512", "avx2", "portable"; "": the fastest
  /// Folders where files of packed panels are looked for, and the first of which that can be
  /// written gets a new one; none: they are packed at each start.
  std::vector<std::string> panel_folders;
  size_t least_panel_bytes = size_t{16} << 20;  // smaller models are packed in no time
};

/// How texts that are too long are cut.
struct TextLimits {
  std::optional<int> longest;  // tokens, special ones included; the model's own at most
  tokenize::Cut cut = tokenize::Cut::kLongestFirst;

  bool operator==(const TextLimits&) const = default;
};

/// How long the parts of opening a model took, and where its panels came from.
struct LoadReport {
  Duration map{};     // configuration, tokenizer, the weights' headers
  Duration panels{};  // finding and checking them, or packing
  Arena::Filled filled;
};

class Model {
 public:
  static constexpr size_t kBatchTokens = 1024;

  /// Errors name the file, and in it the key or tensor.
  static Result<std::unique_ptr<Model>> open(const std::string& folder,
                                             const ModelOptions& options);
  ~Model();

  const EncoderConfig& config() const { return config_; }
  Task task() const { return config_.task; }
  const tokenize::Tokenizer& tokenizer() const { return *tokenizer_; }
  const Encoder& encoder() const { return *encoder_; }
  const Head& head() const { return head_; }
  const Pooling& pooling() const { return pooling_; }
  const std::vector<std::unique_ptr<SentenceStage>>& stages() const { return stages_; }
  /// The most tokens of one sequence, special ones included.
  size_t longest() const { return longest_; }
  int threads() const { return pool_->threads(); }
  const LoadReport& report() const { return report_; }
  std::string_view kernels() const { return encoder_->kernels().name; }

  /// kInvalidArgument: longer than longest() and not to be cut.
  enum class TooLong { kRefuse, kCut };
  Result<tokenize::Encoding> encode(std::string_view text, TooLong too_long,
                                    const TextLimits& limits = {}) const;
  Result<tokenize::Encoding> encode_pair(std::string_view first, std::string_view second,
                                         TooLong too_long, const TextLimits& limits = {}) const;

  /// Calls visit(i, hidden, row) for each encoding: its tokens' vectors are hidden.row(row, 0...).
  using Visit = std::function<void(size_t index, const Hidden& hidden, size_t row)>;
  void run(std::span<const tokenize::Encoding> encodings, const Visit& visit) const;

 private:
  Model() = default;
  size_t longest_within(const TextLimits& limits) const;
  Status load(const std::string& folder, const ModelOptions& options);
  Status load_tokenizer(const std::string& folder);
  void fill(const std::string& folder, const ModelOptions& options);

  EncoderConfig config_;
  std::unique_ptr<tensor::ThreadPool> pool_;
  std::optional<tensor::Weights> weights_;
  std::unique_ptr<Arena> arena_;
  std::optional<tokenize::Tokenizer> tokenizer_;
  std::unique_ptr<Encoder> encoder_;
  Head head_;
  Pooling pooling_;
  std::vector<std::unique_ptr<SentenceStage>> stages_;
  size_t longest_ = 0;
  LoadReport report_;
};

}  // namespace thaw::encoder
