// Models' folders with one thing wrong: each is refused with the file and what in it is wrong, or
// served without harm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/json.h"
#include "encoder/classification.h"
#include "encoder/damaged_folder_testing.h"
#include "encoder/embedding.h"
#include "encoder/model.h"
#include "encoder/question_answering.h"
#include "tensor/safetensors_testing.h"
#include "tokenize/files.h"

namespace thaw::encoder {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;
using Folder = DamagedFolder;

struct Damage {
  const char* what;
  std::function<void(const Folder&)> make;
  std::vector<const char*> words;  // of the refusal
};

Json list(std::initializer_list<int64_t> numbers) {
  return Json(Json::Array(numbers.begin(), numbers.end()));
}

void rename_tensor(const Folder& folder, const std::string& from, const std::string& to) {
  folder.header([&](Json& json) {
    for (auto& [name, entry] : json.as_object()) {
      if (name == from) name = to;
    }
  });
}

void break_template(const Folder& folder, const char* key, const char* parts) {
  folder.edit("tokenizer.json", [&](Json& json) {
    Json processor = json["post_processor"];
    processor.set("type", "TemplateProcessing");
    processor.set(key, Json::parse(parts).value());
    json.set("post_processor", processor);
  });
}

const std::vector<Damage>& damages_of_files() {
  static const std::vector<Damage> all = {
      {"no weights", [](auto& f) { f.remove(kWeights); }, {"neither model.safetensors"}},
      {"empty", [](auto& f) { f.cut(kWeights, 0); }, {"model.safetensors", "0 bytes"}},
      {"7 bytes", [](auto& f) { f.cut(kWeights, 7); }, {"7 bytes"}},
      {"cut in the header", [](auto& f) { f.cut(kWeights, 1000); }, {"cut short"}},
      {"cut in the data", [](auto& f) { f.cut(kWeights, 100'000); }, {"tensor '", "cut short"}},
      {"cut by one byte", [](auto& f) { f.cut(kWeights, 204'743); }, {"tensor '", "cut short"}},
      {"one byte more",
       [](auto& f) { f.put(kWeights, f.get(kWeights) + "x"); },
       {"tensors end at"}},
      {"huge length",
       [](auto& f) { f.put(kWeights, std::string(64, '\xFF')); },
       {"header's length"}},
      {"zeros", [](auto& f) { f.put(kWeights, std::string(204'744, '\0')); }, {"header"}},
      {"text",
       [](auto& f) { f.put(kWeights, "version https://git-lfs.github.com/spec/v1\n"); },
       {"no safetensors file"}},
      {"header of a list",
       [](auto& f) { f.put(kWeights, tensor::safetensors_file("[]", "")); },
       {"header: must be a JSON object"}},
      {"no tensors",
       [](auto& f) { f.put(kWeights, tensor::safetensors_file("{}", "")); },
       {"word_embeddings.weight' is missing"}},
      {"deep header",
       [](auto& f) { f.put(kWeights, tensor::safetensors_file(std::string(9000, '['), "")); },
       {"header"}},
  };
  return all;
}

const std::vector<Damage>& damages_of_tensors() {
  static const std::vector<Damage> all = {
      {"unknown dtype", [](auto& f) { f.tensor("dtype", "F8"); }, {"word_emb", "unknown dtype"}},
      {"dtype a number", [](auto& f) { f.tensor("dtype", 3); }, {"word_emb", "dtype must be"}},
      {"narrow dtype", [](auto& f) { f.tensor("dtype", "F16"); }, {"word_emb", "does not take"}},
      {"whole numbers", [](auto& f) { f.tensor("dtype", "I32"); }, {"word_emb", "I32: weights"}},
      {"shape missing", [](auto& f) { f.tensor("shape", Json()); }, {"word_emb", "shape is miss"}},
      {"shape a text", [](auto& f) { f.tensor("shape", "900"); }, {"word_emb", "shape must be"}},
      {"negative shape",
       [](auto& f) {
         f.tensor("shape", list({-900, -32}));
       },
       {"shape holds -900"}},
      {"overflowing shape",
       [](auto& f) {
         f.tensor("shape", list({int64_t{1} << 62, 8}));
       },
       {"word_emb", "larger than any memory"}},
      {"overflowing bytes",
       [](auto& f) { f.tensor("shape", list({int64_t{1} << 62})); },
       {"word_emb", "does not take"}},
      {"nine dimensions",
       [](auto& f) {
         f.tensor("shape", list({1, 1, 1, 1, 1, 1, 1, 900, 32}));
       },
       {"word_emb", "9 dimensions"}},
      {"turned shape",
       [](auto& f) {
         f.tensor("shape", list({32, 900}));
       },
       {"word_emb", "[32, 900]", "config.json means [900, 32]"}},
      {"offsets over the end",
       [](auto& f) {
         f.tensor("data_offsets", list({0, 1 << 30}));
       },
       {"word_emb", "end behind"}},
      {"offsets turned",
       [](auto& f) {
         f.tensor("data_offsets", list({115'200, 0}));
       },
       {"word_emb", "is no range"}},
      {"negative offsets",
       [](auto& f) {
         f.tensor("data_offsets", list({-8, 115'192}));
       },
       {"word_emb", "is no range"}},
      {"one offset", [](auto& f) { f.tensor("data_offsets", list({0})); }, {"two whole numbers"}},
      {"overlap",
       [](auto& f) {
         f.tensor("data_offsets", list({4, 115'204}));
       },
       {"begins at byte"}},
      {"unknown key",
       [](auto& f) { f.tensor("stride", 1); },
       {"word_emb", "unknown key \"stride\""}},
      {"metadata of numbers",
       [](auto& f) {
         f.header([](Json& json) { json.set("__metadata__", Json::object({{"a", 1}})); });
       },
       {"__metadata__"}},
      {"tensor renamed",
       [](auto& f) { rename_tensor(f, "qa_outputs.weight", "qa_output.weight"); },
       {"'qa_outputs.weight' is missing"}},
      {"layer renamed",
       [](auto& f) {
         rename_tensor(f, "distilbert.transformer.layer.1.ffn.lin1.bias", "distilbert.lin1.bias");
       },
       {"layer.1.ffn.lin1.bias' is missing"}},
      {"weights a folder",
       [](auto& f) {
         f.remove(kWeights);
         fs::create_directory(f.at(kWeights));
       },
       {"model.safetensors", "not a regular file"}},
      {"index to elsewhere",
       [](auto& f) {
         f.remove(kWeights);
         f.put(kWeights + ".index.json", R"({"weight_map":{"a":"../../etc/passwd"}})");
       },
       {"weight_map", "'a' must name a file in the same folder"}},
      {"index to nothing",
       [](auto& f) {
         f.remove(kWeights);
         f.put(kWeights + ".index.json", R"({"weight_map":{"a":"none.safetensors"}})");
       },
       {"none.safetensors"}},
      {"index a list",
       [](auto& f) {
         f.remove(kWeights);
         f.put(kWeights + ".index.json", "[]");
       },
       {"weight_map"}},
  };
  return all;
}

const std::vector<Damage>& damages_of_configs() {
  static const char* const kConfig = "config.json";
  static const std::vector<Damage> all = {
      {"no config", [](auto& f) { f.remove(kConfig); }, {"config.json"}},
      {"empty config", [](auto& f) { f.put(kConfig, ""); }, {"config.json"}},
      {"config a list", [](auto& f) { f.put(kConfig, "[]"); }, {"config.json", "model_type"}},
      {"config a pipe",
       [](auto& f) {
         f.remove(kConfig);
         ASSERT_EQ(::mkfifo(f.at(kConfig).c_str(), 0600), 0);
       },
       {"config.json", "not a regular file"}},
      {"other family", [](auto& f) { f.set(kConfig, "model_type", "t5"); }, {"model_type: 't5'"}},
      {"no layers", [](auto& f) { f.set(kConfig, "n_layers", 0); }, {"n_layers"}},
      {"many layers", [](auto& f) { f.set(kConfig, "n_layers", 1'000'000); }, {"n_layers"}},
      {"one layer more",
       [](auto& f) { f.set(kConfig, "n_layers", 3); },
       {"layer.2.", "is missing"}},
      {"hidden a text", [](auto& f) { f.set(kConfig, "dim", "32"); }, {"dim: must be"}},
      {"hidden too large",
       [](auto& f) { f.set(kConfig, "dim", int64_t{1} << 40); },
       {"dim: must be"}},
      {"other hidden", [](auto& f) { f.set(kConfig, "dim", 64); }, {"word_emb", "means [900, 64]"}},
      {"heads that do not divide", [](auto& f) { f.set(kConfig, "n_heads", 5); }, {"n_heads: 5"}},
      {"a token far away",
       [](auto& f) {
         f.edit("tokenizer.json", [](Json& json) {
           Json model = json["model"], words = model["vocab"];
           words.set("far", 15'999'999);
           model.set("vocab", words);
           json.set("model", model);
         });
       },
       {"vocab_size is 900", "the token 'far' has the id 15999999, which is not from 0 to 899"}},
      {"small vocabulary", [](auto& f) { f.set(kConfig, "vocab_size", 10); }, {"vocab_size is 10"}},
      {"no positions",
       [](auto& f) { f.set(kConfig, "max_position_embeddings", 2); },
       {"max_position_embeddings"}},
      {"unknown head",
       [](auto& f) {
         f.set(kConfig, "architectures", Json(Json::Array{"DistilBertForMultipleChoice"}));
       },
       {"config.json: architectures: 'DistilBertForMultipleChoice' is not served", "--task"}},
      {"unknown problem",
       [](auto& f) { f.set(kConfig, "problem_type", "ranking"); },
       {"config.json: problem_type: \"ranking\" is none of regression"}},
      {"unknown activation",
       [](auto& f) { f.set(kConfig, "activation", "mish"); },
       {"config.json: activation: 'mish' is not served; there are gelu, "}},
  };
  return all;
}

const std::vector<Damage>& damages_of_tokenizers() {
  static const char* const kTokens = "tokenizer.json";
  static const std::vector<Damage> all = {
      {"no tokenizer",
       [](auto& f) {
         f.remove(kTokens);
         f.remove("vocab.txt");
       },
       {"neither tokenizer.json nor vocab.txt"}},
      {"tokenizer cut", [](auto& f) { f.cut(kTokens, 5000); }, {"tokenizer.json"}},
      {"tokenizer of bytes", [](auto& f) { f.put(kTokens, std::string(99, '\xFE')); }, {kTokens}},
      {"no model", [](auto& f) { f.set(kTokens, "model", Json()); }, {kTokens, "model.vocab"}},
      {"unknown token",
       [](auto& f) {
         f.edit(kTokens, [](Json& json) {
           Json model = json["model"];
           model.set("unk_token", "[NONE]");
           json.set("model", model);
         });
       },
       {kTokens, "model.unk_token: '[NONE]'"}},
      {"text twice",
       [](auto& f) {
         break_template(f, "single", R"([{"Sequence":{"id":"A"}},{"Sequence":{"id":"A"}}])");
       },
       {kTokens, "post_processor.single: must have the Sequence A once"}},
      {"text nowhere",
       [](auto& f) { break_template(f, "single", "[]"); },
       {kTokens, "post_processor.single: must have the Sequence A once"}},
      {"second text of one",
       [](auto& f) {
         break_template(f, "single", R"([{"Sequence":{"id":"A"}},{"Sequence":{"id":"B"}}])");
       },
       {kTokens, "post_processor.single"}},
      {"pair of one",
       [](auto& f) { break_template(f, "pair", R"([{"Sequence":{"id":"A"}}])"); },
       {kTokens, "post_processor.pair: must have the Sequence B once"}},
      {"more specials than the model is long",
       [](auto& f) {
         std::string parts = R"([{"Sequence":{"id":"A"}})";
         for (int i = 0; i < 130; ++i) parts += R"(,{"SpecialToken":{"id":"[SEP]"}})";
         break_template(f, "single", (parts + "]").c_str());
       },
       {kTokens, "130 special tokens", "takes 128"}},
      {"vocabulary without specials",
       [](auto& f) {
         f.remove(kTokens);
         f.put("vocab.txt", "a\nb\n");
       },
       {"vocab.txt", "'[CLS]' is not in the vocabulary"}},
      {"vocabulary a folder",
       [](auto& f) {
         f.remove(kTokens);
         f.remove("vocab.txt");
         fs::create_directory(f.at("vocab.txt"));
       },
       {"vocab.txt", "not a regular file"}},
      {"settings of no JSON",
       [](auto& f) { f.put("tokenizer_config.json", "{"); },
       {"tokenizer_config.json"}},
      {"length a text",
       [](auto& f) { f.set("tokenizer_config.json", "model_max_length", "long"); },
       {"tokenizer_config.json: model_max_length"}},
      {"length negative",
       [](auto& f) { f.set("tokenizer_config.json", "model_max_length", -1); },
       {"tokenizer_config.json: model_max_length"}},
      {"modules an object", [](auto& f) { f.put("modules.json", "{}"); }, {"modules.json"}},
      {"module elsewhere",
       [](auto& f) { f.put("modules.json", R"([{"type":"x.Pooling","path":"../.."}])"); },
       {"modules.json", "path"}},
      {"module of no kind",
       [](auto& f) { f.put("modules.json", R"([{"type":"x.LSTM","path":"1"}])"); },
       {"modules.json", "LSTM"}},
  };
  return all;
}

void expect_refused(const std::vector<Damage>& damages) {
  for (const Damage& damage : damages) {
    const Folder folder("distilbert-qa");
    damage.make(folder);
    const auto model = folder.open();
    ASSERT_FALSE(model) << damage.what;
    for (const char* words : damage.words) {
      EXPECT_THAT(model.error().message(), HasSubstr(words)) << damage.what;
    }
  }
}

TEST(BrokenFolders, WeightsWithAFaultAreRefusedWithTheTensorOrKey) {
  EXPECT_GE(damages_of_files().size() + damages_of_tensors().size(), 37U);
  expect_refused(damages_of_files());
  expect_refused(damages_of_tensors());
}

TEST(BrokenFolders, TextFilesWithAFaultAreRefusedWithTheFileAndKey) {
  expect_refused(damages_of_configs());
  expect_refused(damages_of_tokenizers());
}

TEST(BrokenFolders, WeightsThatAreNoNumbersHarmNobody) {
  const Folder folder("distilbert-qa");
  std::string file = folder.get(kWeights);
  const size_t length = static_cast<uint8_t>(file[0]) | static_cast<uint8_t>(file[1]) << 8U;
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e38F}) {
    for (size_t at = 8 + length; at + 4 <= file.size(); at += 4) {
      std::memcpy(file.data() + at, &value, 4);
    }
    folder.put(kWeights, file);
    const auto model = folder.open();
    ASSERT_TRUE(model) << model.error().message();
    QuestionOptions options;
    options.top_k = 20;
    const auto answers = answer_question(**model, "Who?", "Ada came to the port.", options);
    if (answers) {
      EXPECT_LE(answers->size(), 20U);
    }
  }
}

TEST(BrokenFolders, DistilBertsNormsHaveOneEpsilonWhateverIsSaid) {
  const Folder folder("distilbert-qa");
  folder.set("config.json", "layer_norm_eps", 0.5);
  EXPECT_EQ(folder.open().value()->config().epsilon, 1e-12F);
}

TEST(BrokenFolders, PaddingInATextOfRobertaTakesItsOwnPosition) {
  const Folder folder("roberta-seqcls");
  const std::string file = folder.get(kWeights);
  const size_t length = static_cast<uint8_t>(file[0]) | static_cast<uint8_t>(file[1]) << 8U;
  const Json header = Json::parse(file.substr(8, length)).value();
  const auto begin =
      static_cast<size_t>(header["roberta.embeddings.position_embeddings.weight"]["data_offsets"]
                              .as_array()[0]
                              .as_int());
  const auto row_bytes =
      header["roberta.embeddings.position_embeddings.weight"]["dtype"] == Json("F32")
          ? size_t{32} * 4
          : size_t{32} * 2;
  // <s> <pad> </s> are at 2, 1 and 3.
  const auto logits = [&] {
    const auto model = folder.open().value();
    return classify_logits(*model, std::vector<TextInput>{{.text = "<pad>"}},
                           Model::TooLong::kRefuse)
        .value();
  };
  const auto before = logits();
  for (const size_t row : {0U, 1U, 2U, 3U, 4U}) {
    std::string changed = file;
    for (size_t i = 1; i < row_bytes; i += 2)
      changed[8 + length + begin + row * row_bytes + i] ^= 1;
    folder.put(kWeights, changed);
    EXPECT_EQ(logits() == before, row == 0 || row == 4) << row;
  }
}

TEST(BrokenFolders, ATextOfNoTokensIsRefusedWhereNothingIsAddedToIt) {
  const Folder folder("minilm-sentence");
  folder.set("tokenizer.json", "post_processor", Json());
  const auto model = folder.open();
  ASSERT_TRUE(model) << model.error().message();
  const std::vector<std::string> texts = {"word", ""};
  const auto vectors = embed(**model, texts, Model::TooLong::kCut);
  ASSERT_FALSE(vectors);
  EXPECT_THAT(vectors.error().message(), HasSubstr("no tokens"));
  EXPECT_TRUE(embed(**model, std::vector<std::string>{"word"}, Model::TooLong::kCut));
}

TEST(BrokenFolders, AQuestionOfNoTokensIsRefusedWhereNothingIsAddedToIt) {
  const Folder folder("distilbert-qa");
  folder.set("tokenizer.json", "post_processor", Json());
  const auto model = folder.open();
  ASSERT_TRUE(model) << model.error().message();
  const auto answers = answer_question(**model, "\x01", "\x02", {});
  ASSERT_FALSE(answers);
  EXPECT_THAT(answers.error().message(), HasSubstr("no tokens"));
}

}  // namespace
}  // namespace thaw::encoder
