#include "encoder/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/json.h"
#include "encoder/panel_places.h"
#include "encoder/read_json.h"
#include "tensor/cpu_limit.h"
#include "tensor/int8.h"

namespace thaw::encoder {
namespace {

/// A length that an optional file gives; some say 10^30 for "none".
Result<size_t> optional_length(const std::string& path, std::string_view key, size_t otherwise) {
  auto json = read_json(path);
  if (!json) {
    if (json.error().code() == Code::kNotFound) return otherwise;
    return std::move(json).error();
  }
  const Json& value = (*json)[key];
  if (value.is_null() || (value.is_number() && value.as_double() >= 1e9)) return otherwise;
  if (!value.is_int() || value.as_int() < 3) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}: {}: must be a whole number of at least 3", path, key));
  }
  return std::min(otherwise, static_cast<size_t>(value.as_int()));
}

/// Only where the tokenizer adds none of its own.
Error no_tokens() {
  return Error(Code::kInvalidArgument, "the text has no tokens that the model knows");
}

const tensor::Kernels* choose_kernels(std::string_view name) {
  for (const tensor::Kernels& kernels : tensor::usable_kernels()) {
    if (name.empty() || kernels.name == name) return &kernels;
  }
  return nullptr;
}

}  // namespace

Model::~Model() = default;

Result<std::unique_ptr<Model>> Model::open(const std::string& folder, const ModelOptions& options) {
  std::unique_ptr<Model> model(new Model);
  RETURN_IF_ERROR(model->load(folder, options));
  return model;
}

Status Model::load(const std::string& folder, const ModelOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const std::string path = folder + "/config.json";
  ASSIGN_OR_RETURN(const Json json, read_json(path));
  auto config = parse_config(json);
  if (!config) return std::move(config).error().with_context(path);
  config_ = *std::move(config);
  ASSIGN_OR_RETURN(const auto pooling, read_pooling(folder, config_.hidden));
  if (pooling) {
    pooling_ = *pooling;
    config_.task = Task::kEmbedding;
  }
  if (!options.task && !pooling && !config_.unserved.empty()) {
    return Error(Code::kUnimplemented,
                 fmt::format("{}: architectures: '{}' is not served; {} are; --task chooses one of "
                             "their tasks",
                             path, config_.unserved.substr(0, 80), served_architectures()));
  }
  config_.task = options.task.value_or(config_.task);
  const tensor::Kernels* kernels = choose_kernels(options.kernels);
  if (!kernels) {
    return Error(Code::kInvalidArgument,
                 fmt::format("this machine has no '{}' instructions", options.kernels));
  }
  RETURN_IF_ERROR(load_tokenizer(folder));
  ASSIGN_OR_RETURN(tensor::Weights weights, tensor::Weights::open(folder));
  weights_ = std::move(weights);
  pool_ = std::make_unique<tensor::ThreadPool>(options.threads > 0 ? options.threads
                                                                   : tensor::usable_cpus());
  encoder_ = std::make_unique<Encoder>(config_, *weights_, *pool_, *kernels);
  arena_ = std::make_unique<Arena>(*weights_);
  RETURN_IF_ERROR(encoder_->plan(*arena_, options.precision));
  RETURN_IF_ERROR(head_.plan(config_, *weights_, *encoder_, *arena_));
  for (const Pooling::Stage& each : pooling_.stages) {
    if (config_.task != Task::kEmbedding) break;
    ASSIGN_OR_RETURN(auto stage, SentenceStage::load(each, *pool_));
    stages_.push_back(std::move(stage));
  }
  const auto mapped = std::chrono::steady_clock::now();
  report_.map = mapped - start;
  fill(folder, options);
  report_.panels = std::chrono::steady_clock::now() - mapped;
  return {};
}

Status Model::load_tokenizer(const std::string& folder) {
  auto tokenizer = tokenize::Tokenizer::open(folder, config_.vocabulary);
  if (!tokenizer && tokenizer.error().code() == Code::kOutOfRange) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}/config.json: vocab_size is {}, but {}", folder, config_.vocabulary,
                             tokenizer.error().message()));
  }
  if (!tokenizer) return std::move(tokenizer).error();
  tokenizer_ = *std::move(tokenizer);
  // A sentence model's own length counts, whatever the tokenizer's files say.
  longest_ = static_cast<size_t>(config_.longest());
  if (pooling_.longest) {
    longest_ = std::min(longest_, static_cast<size_t>(*pooling_.longest));
  } else {
    ASSIGN_OR_RETURN(
        longest_, optional_length(folder + "/tokenizer_config.json", "model_max_length", longest_));
  }
  if (tokenizer_->specials_of_one() >= longest_) {
    return Error(
        Code::kInvalidArgument,
        fmt::format("{}/tokenizer.json: a text gets {} special tokens, but the model takes "
                    "{} in all",
                    folder, tokenizer_->specials_of_one(), longest_));
  }
  return {};
}

void Model::fill(const std::string& folder, const ModelOptions& options) {
  std::vector<std::string> files;
  const std::string_view layout =
      options.precision == Precision::kInt8 ? tensor::kInt8Layout : tensor::kPanelLayout;
  if (arena_->size_bytes() >= options.least_panel_bytes) {
    files = panel_paths(options.panel_folders, folder, layout);
  }
  report_.filled = arena_->fill(*pool_, layout, files);
  const bool is_new = report_.filled.from == Arena::Filled::From::kPacked;
  if (is_new && !report_.filled.path.empty()) trim_panels(report_.filled.path);
}

Result<tokenize::Encoding> Model::encode(std::string_view text, TooLong too_long,
                                         const TextLimits& limits) const {
  const std::vector<tokenize::Token> tokens = tokenizer_->tokenize(text);
  const size_t longest = longest_within(limits);
  const size_t room = longest - std::min(longest, tokenizer_->specials_of_one());
  if (tokens.empty() && tokenizer_->specials_of_one() == 0) return no_tokens();
  if (tokens.size() <= room) return tokenizer_->assemble(tokens);
  if (too_long == TooLong::kCut) return tokenizer_->assemble(std::span(tokens).first(room));
  return Error(Code::kInvalidArgument,
               fmt::format("the text has {} tokens, but the model takes {}: shorten it, or set "
                           "\"truncate\": true to have its end cut off",
                           tokens.size(), room));
}

Result<tokenize::Encoding> Model::encode_pair(std::string_view first, std::string_view second,
                                              TooLong too_long, const TextLimits& limits) const {
  const size_t longest = longest_within(limits);
  tokenize::Encoding encoding = tokenizer_->encode_pair(
      first, second, too_long == TooLong::kCut ? longest : std::string::npos, limits.cut);
  if (encoding.items.empty()) return no_tokens();
  if (encoding.items.size() <= longest) return encoding;
  const size_t specials = tokenizer_->specials_of_pair();
  if (too_long == TooLong::kCut) {
    return Error(
        Code::kInvalidArgument,
        fmt::format("truncation: what is not to be cut has {} tokens alone, but the model "
                    "takes {}: use longest_first",
                    encoding.items.size() - specials, longest - std::min(longest, specials)));
  }
  return Error(
      Code::kInvalidArgument,
      fmt::format("the two texts have {} tokens, but the model takes {}: shorten them, or "
                  "set \"truncate\": true to have the longer one's end cut off",
                  encoding.items.size() - specials, longest - std::min(longest, specials)));
}

size_t Model::longest_within(const TextLimits& limits) const {
  return limits.longest ? std::min(longest_, static_cast<size_t>(*limits.longest)) : longest_;
}

void Model::run(std::span<const tokenize::Encoding> encodings, const Visit& visit) const {
  for (size_t next = 0; next < encodings.size();) {
    std::vector<Sequence> batch;
    size_t tokens = 0;
    const size_t first = next;
    do {
      Sequence& sequence = batch.emplace_back();
      for (const auto& item : encodings[next].items) {
        sequence.ids.push_back(item.token.id);
        sequence.types.push_back(item.type);
      }
      tokens += sequence.ids.size();
      ++next;
    } while (next < encodings.size() && tokens + encodings[next].items.size() <= kBatchTokens);
    const Hidden& hidden = encoder_->run(batch);
    for (size_t row = 0; row < batch.size(); ++row) visit(first + row, hidden, row);
  }
}

}  // namespace thaw::encoder
