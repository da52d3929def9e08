// Routes without a server: what a body of the wrong kind is told, for every path that takes one.
#include "inference/routes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "encoder/damaged_folder_testing.h"
#include "tokenize/files.h"

namespace thaw::inference {
namespace {

using ::testing::HasSubstr;

const std::string kData = THAW_SOURCE_DIR "/tests/data/encoders/";

std::vector<Served> serve(const std::string& folder) {
  std::vector<Served> models;
  models.push_back({{"m", folder, {.threads = 1}}, nullptr});
  models[0].model = encoder::Model::open(folder, models[0].spec.options).value();
  return models;
}

http::Response answer_to(const std::vector<Served>& models, const std::string& path,
                         const std::string& body) {
  http::Request request{.method = "POST", .target = path};
  request.path = path;
  request.body = body;
  Routed routed = route(request, models);
  if (auto* response = std::get_if<http::Response>(&routed.answer)) return *response;
  const auto work = std::get<ReadWork>(routed.answer)();
  if (!work) return failure(work.error());
  return run_batch(*models[0].model, {&*work}).at(0);
}

std::string repeated(std::string_view text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

const std::vector<std::string>& wrong_bodies() {
  static const std::vector<std::string> all = {
      "",
      " ",
      "null",
      "true",
      "7",
      "-0.5e300",
      "\"text\"",
      "[]",
      "[[[]]]",
      "{}",
      "{",
      "{}x",
      "{\"a\":1,\"a\":2}",
      "\xEF\xBB\xBF{}",
      "\xFF\xFE{\0}",
      std::string(2, '\0'),
      std::string(100'000, '['),
      "{\"inputs\":null}",
      "{\"inputs\":7}",
      "{\"inputs\":true}",
      "{\"inputs\":[]}",
      "{\"inputs\":{}}",
      "{\"inputs\":[null]}",
      "{\"inputs\":[7,\"a\"]}",
      "{\"inputs\":[[\"a\"]]}",
      "{\"inputs\":\"\xC3\x28\"}",
      "{\"inputs\":\"\\ud800\"}",
      R"({"inputs":"a","parameters":7})",
      R"({"inputs":"a","parameters":[]})",
      R"({"inputs":"a","parameters":{"top_k":"many"}})",
      R"({"inputs":"a","parameters":{"top_k":1e99}})",
      R"({"inputs":"a","parameters":{"topk":1}})",
      R"({"inputs":"a","nonsense":{}})",
      R"({"text":["a"]})",
      R"({"question":{},"context":[]})",
      R"({"question":"a","context":"b","top_k":99999999999999999999})",
      R"({"question":"a","context":"b","max_seq_len":-1})",
      R"({"question":"a","context":"b","doc_stride":0.5})",
      R"({"query":"a","texts":"b"})",
      R"({"query":7,"texts":["b"]})",
      R"({"query":"a","texts":[7]})",
      R"({"input":[1,2,3]})",
      R"({"input":{},"model":7})",
      R"({"input":"a","encoding_format":"gzip"})",
      R"({"message":null})",
      R"({"message":{"data":7}})",
      R"({"message":{"data":"%%%"}})",
      R"({"message":{"data":"bnVsbA=="}})",
      R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[0],"data":[]}]})",
      R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[-1],"data":["a"]}]})",
      R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[1e3],"data":["a"]}]})",
      R"({"inputs":[{"name":"text","datatype":"BYTES","shape":"1","data":["a"]}]})",
      R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"data":{"a":1}}]})",
      R"({"inputs":[{"name":"text","datatype":"BYTES","data":["a"]}]})",
      R"({"inputs":[{"name":7,"datatype":7,"shape":7,"data":7}]})",
      "NaN",
      "Infinity",
      "1e400",
      "{\"inputs\":NaN}",
      "{\"inputs\":-Infinity}",
      "{\"inputs\":[1e400]}",
      R"({"inputs":"a","parameters":{"top_k":1e400}})",
      R"({"inputs":"a","parameters":{"top_k":-9223372036854775809}})",
      R"({"question":"a","context":"b","top_k":NaN})",
      R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[1e400],"data":["a"]}]})",
      R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[9223372036854775807],"data":[]}]})",
      R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[4294967296,4294967296]}]})",
      R"({"inputs":[{"name":"text","datatype":"FP64","shape":[1],"data":[1]}]})",
      R"({"inputs":"a","inputs":"b"})",
      R"({"question":"a","question":"a","context":"b"})",
      "{\"inputs\":\"\xC0\xAF\"}",
      "{\"inputs\":\"\xED\xA0\x80\"}",
      "{\"inputs\":\"\xF5\x80\x80\x80\"}",
      "{\"inputs\":\"\xE2\x82\"}",
      "{\"\xFF\":1}",
      "{\"inputs\":\"tab\tinside\"}",
      "{\"inputs\":\"\\x41\"}",
      "{\"inputs\":\"\\u12\"}",
      "{'inputs':'a'}",
      "{inputs:\"a\"}",
      "{\"inputs\":\"a\",}",
      "{\"inputs\":[\"a\",]}",
      "// c\n{\"inputs\":\"a\"}",
      "{\"inputs\":0x10}",
      "{\"inputs\":01}",
      "{\"inputs\":\"a\"}{\"inputs\":\"a\"}",
      "question=a&context=b",
      "<inputs>a</inputs>",
      "\x1f\x8b\x08",
      repeated("{\"a\":", 100'000) + "1",
      "{\"inputs\":" + repeated("[", 50'000) + repeated("]", 50'000) + "}",
      "{\"inputs\":\"" + std::string(5 << 20, 'x') + "\"}",
      "{\"inputs\":[" + repeated("\"a\",", 1024) + "\"a\"]}",
      "{\"inputs\":\"a\",\"" + std::string(1 << 20, 'k') + "\":1}",
      "{\"inputs\":" + std::string(1 << 20, '9') + "}",
  };
  return all;
}

constexpr const char* kPaths[] = {"/predict", "/models/m/predict",  "/embed",        "/rerank",
                                  "/",        "/v2/models/m/infer", "/v1/embeddings"};

class WrongBodies : public testing::TestWithParam<const char*> {};

TEST_P(WrongBodies, AreEach4xxInTheOneForm) {
  const std::vector<Served> models = serve(kData + GetParam());
  for (const char* path : kPaths) {
    for (const std::string& body : wrong_bodies()) {
      const http::Response response = answer_to(models, path, body);
      const std::string what = fmt::format("{} {:.80}: {:.200}", path, body, response.body);
      EXPECT_GE(response.status, 400) << what;
      EXPECT_LT(response.status, 500) << what;
      const auto json = Json::parse(response.body);
      ASSERT_TRUE(json) << what;
      EXPECT_EQ((*json)["error"].int_or("code", 0), response.status) << what;
      EXPECT_FALSE((*json)["error"].string_or("message").empty()) << what;
      EXPECT_LT(response.body.size(), 2000U) << what;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, WrongBodies,
                         testing::Values("distilbert-qa", "bert-seqcls", "bert-ner-cased",
                                         "minilm-sentence"),
                         [](const auto& model) {
                           std::string name = model.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Routes, ABodyThatSaysItIsNoJsonIsRefused) {
  const std::vector<Served> models = serve(kData + "bert-seqcls");
  const auto status = [&](const char* path, std::string type) {
    http::Request request{.method = "POST", .target = path, .body = R"({"inputs":"a"})"};
    request.path = path;
    request.headers.add("content-type", std::move(type));
    Routed routed = route(request, models);
    const auto work = std::get<ReadWork>(routed.answer)();
    return work ? 200 : failure(work.error()).status;
  };
  for (const char* type :
       {"application/json", "application/json; charset=utf-8", "Application/JSON ;x", "text/plain",
        "application/vnd.api+json", "application/x-www-form-urlencoded", ""}) {
    EXPECT_EQ(status("/predict", type), 200) << type;
  }
  for (const char* path : kPaths) {
    for (const char* type : {"application/xml", "text/csv", "multipart/form-data; boundary=x",
                             "image/png", "application/jsonx", "json"}) {
      EXPECT_EQ(status(path, type), 400) << path << " " << type;
    }
  }
}

TEST(Routes, TheSameOptionsOnTwoPathsAreAnsweredEachInItsShape) {
  const std::vector<Served> models = serve(kData + "bert-seqcls");
  const auto work_of = [&](const char* path, const char* body) {
    http::Request request{.method = "POST", .target = path, .body = body};
    request.path = path;
    return std::get<ReadWork>(route(request, models).answer)().value();
  };
  const Work plain = work_of("/predict", R"({"inputs":"I love it","parameters":{"top_k":1}})");
  const Work tensors = work_of("/v2/models/m/infer", R"({"parameters":{"top_k":1},"inputs":[
      {"name":"text","datatype":"BYTES","shape":[1],"data":["I love it"]}]})");
  const encoder::Model& model = *models[0].model;
  const std::string one = run_batch(model, {&plain})[0].body;
  const std::string other = run_batch(model, {&tensors})[0].body;
  EXPECT_EQ((*Json::parse(other))["outputs"].as_array().at(0)["data"].as_array().at(0),
            Json::parse(one)->as_array().at(0)["label"]);
  const auto both = run_batch(model, {&plain, &tensors});
  EXPECT_EQ(both[0].body, one);
  EXPECT_EQ(both[1].body, other);
  const auto turned = run_batch(model, {&tensors, &plain});
  EXPECT_EQ(turned[0].body, other);
  EXPECT_EQ(turned[1].body, one);
}

Result<Work> read_work(const std::vector<Served>& models, const char* path, const Json& body) {
  http::Request request{.method = "POST", .target = path, .body = body.dump()};
  request.path = path;
  return std::get<ReadWork>(route(request, models).answer)();
}

std::string fault_of(const std::vector<Served>& models, const char* path, const char* body) {
  const auto work = read_work(models, path, *Json::parse(body));
  return work ? "" : work.error().message();
}

TEST(Routes, VectorsAndScoresAreGivenUpBetweenTwoSlicesToo) {
  const std::vector<Served> models = serve(kData + "minilm-sentence");
  const Json texts(Json::Array(kSlice * 4, Json("a text")));
  for (const auto& [path, body] : {std::pair("/embed", Json::object({{"inputs", texts}})),
                                   std::pair("/v1/embeddings", Json::object({{"input", texts}}))}) {
    const Work work = read_work(models, path, body).value();
    int asked = 0;
    EXPECT_FALSE(answer(*models[0].model, *work.task, [&] { return ++asked < 3; })) << path;
    EXPECT_EQ(asked, 3) << path;
    EXPECT_EQ(run_batch(*models[0].model, {&work}).at(0).status, 200) << path;
  }
  const auto classes = serve(kData + "bert-seqcls");
  int asked = 0;
  TaskRequest pairs;
  pairs.inputs.assign(kSlice * 4, {"query", "a text"});
  EXPECT_FALSE(answer(*classes[0].model, pairs, [&] { return ++asked < 3; }));
  EXPECT_EQ(asked, 3);
}

TEST(Routes, TheModelOfAPathIsTheOneWithItsTask) {
  std::vector<Served> models;
  for (const char* name : {"distilbert-qa", "minilm-sentence"}) {
    models.push_back({{name, kData + name, {.threads = 1}}, nullptr});
  }
  const Json body = *Json::parse(R"({"inputs":"a"})");
  EXPECT_EQ(read_work(models, "/embed", body).value().model, 1u);
  const Json openai = *Json::parse(R"({"input":"a"})");
  EXPECT_EQ(read_work(models, "/v1/embeddings", openai).value().model, 1u);
  EXPECT_EQ(fault_of(models, "/v1/embeddings", R"({"input":"a","model":"distilbert-qa"})"),
            "model: 'distilbert-qa' gives no embeddings");
  EXPECT_THAT(fault_of(models, "/v1/embeddings", R"({"input":"a","model":"x"})"),
              HasSubstr("no model 'x'"));
  EXPECT_EQ(fault_of(models, "/rerank", R"({"query":"a","texts":["b"]})"),
            "no model here re-ranks: classifies with one label; there are distilbert-qa "
            "(question-answering), minilm-sentence (feature-extraction)");
  models[0].spec.folder = models[1].spec.folder;
  models[0].told.reset();
  EXPECT_THAT(fault_of(models, "/embed", R"({"inputs":"a"})"),
              HasSubstr("several models here do what is asked: distilbert-qa, minilm-sentence"));
}

TEST(Routes, OptionsOfOtherServersAreObeyedOrRefused) {
  encoder::DamagedFolder folder("minilm-sentence");
  const auto length = [](const std::vector<Served>& models, const char* more) {
    const Json body = *Json::parse(std::string(R"({"inputs":"The museum")") + more + "}");
    const Work work = read_work(models, "/embed", body).value();
    const auto answer = Json::parse(run_batch(*models[0].model, {&work}).at(0).body);
    double squares = 0;
    for (const Json& each : answer->as_array().at(0).as_array()) {
      squares += each.as_double() * each.as_double();
    }
    return std::sqrt(squares);
  };
  const auto scaled = serve(folder.path());
  EXPECT_NEAR(length(scaled, ""), 1, 1e-5);
  const double own = length(scaled, R"(,"normalize":false)");
  EXPECT_GT(std::abs(own - 1), 0.01);
  folder.edit("modules.json", [](Json& modules) { modules.as_array().pop_back(); });
  const auto plain = serve(folder.path());
  EXPECT_NEAR(length(plain, ""), 1, 1e-5) << "the default is true";
  EXPECT_NEAR(length(plain, R"(,"normalize":true)"), 1, 1e-5);
  EXPECT_NEAR(length(plain, R"(,"normalize":false)"), own, 1e-5);
  EXPECT_THAT(fault_of(plain, "/embed", R"({"inputs":"a","prompt_name":"query"})"),
              HasSubstr("prompt_name: no prompts are kept"));
  EXPECT_THAT(fault_of(plain, "/embed", R"({"inputs":"a","truncation_direction":"Left"})"),
              HasSubstr("truncation_direction: only Right"));
  encoder::DamagedFolder ranker("bert-seqcls");
  ranker.set("config.json", "id2label", Json::object({{"0", "fit"}}));
  const std::vector<Served> unloaded = {{{"m", ranker.path(), {}}, nullptr}};
  EXPECT_THAT(
      fault_of(unloaded, "/rerank", R"({"query":"a","texts":["b"],"truncation_direction":"Left"})"),
      HasSubstr("truncation_direction: only Right"));
}

TEST(Routes, TheDocumentListsThePathsThatAreThere) {
  std::vector<Served> models = serve(kData + "bert-seqcls");
  const auto paths = [&] { return (*Json::parse(openapi(models)))["paths"]; };
  const Json classes = paths();
  for (const char* path : {"/", "/predict", "/models/m/predict", "/v2", "/v2/health/live",
                           "/v2/health/ready", "/v2/models/m", "/v2/models/m/ready",
                           "/v2/models/m/infer", "/health", "/ready", "/metrics"}) {
    EXPECT_NE(classes.find(path), nullptr) << path;
  }
  EXPECT_EQ(classes.find("/rerank"), nullptr) << "it has three labels";
  EXPECT_EQ(classes.find("/embed"), nullptr);
  // Each example is a body that its path takes.
  for (const auto& [path, methods] : classes.as_object()) {
    const Json& content = methods["post"]["requestBody"]["content"]["application/json"];
    if (content.is_null()) continue;
    EXPECT_EQ(answer_to(models, path, content["example"].dump()).status, 200) << path;
  }
  models.push_back({{"e", kData + "minilm-sentence", {.threads = 1}}, nullptr});
  EXPECT_NE(paths().find("/embed"), nullptr) << "beside others, too";
  EXPECT_EQ(paths().find("/predict"), nullptr);
}

TEST(Routes, ATaskOfModulesIsKnownBeforeTheModelIsLoaded) {
  std::string folder = testing::TempDir() + "model-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  std::filesystem::copy(kData + "minilm-sentence", folder,
                        std::filesystem::copy_options::recursive);
  // As all-mpnet-base-v2's says.
  Json config = *parse_body(*tokenize::read_text_file(folder + "/config.json"));
  config.set("architectures", Json::Array{"MPNetForMaskedLM"});
  std::ofstream(folder + "/config.json") << config.dump();
  const Served served = {{"m", folder, {}}, nullptr};
  const auto task = task_of(served);
  std::filesystem::remove_all(folder);
  EXPECT_TRUE(task_of(served)) << "it is not read again";
  ASSERT_TRUE(task) << task.error().message();
  EXPECT_EQ(*task, encoder::Task::kEmbedding);
}

}  // namespace
}  // namespace thaw::inference
