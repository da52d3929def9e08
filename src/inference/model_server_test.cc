// The model server over real loopback sockets, with the reference models of tests/data/encoders.
#include "inference/model_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "inference/server_testing.h"

namespace thaw::inference {
namespace {

using ::testing::HasSubstr;

using ModelServerTest = ServerTest;

TEST_F(ModelServerTest, ClassesEntitiesAndVectorsHaveThePipelinesShapes) {
  serve({"bert-seqcls", "bert-ner-cased", "minilm-sentence"});
  load();
  const std::string classes = "/models/bert-seqcls/predict";
  const Json text = *Json::parse(R"({"inputs":"I love it"})");
  const Json one = post(classes, text);
  ASSERT_EQ(one.as_array().size(), 1u);
  EXPECT_TRUE(one.as_array()[0]["label"].is_string());
  const Json top = post(classes, *Json::parse(R"({"text":"I love it","top_k":-1})"));
  EXPECT_EQ(top.as_array().size(), 3u);
  const Json list = post(classes, *Json::parse(R"({"inputs":["a","b"],"parameters":{"top_k":2}})"));
  EXPECT_EQ(list.as_array().at(1).as_array().size(), 2u);
  const Json pair = post(classes, *Json::parse(R"({"inputs":{"text":"a","text_pair":"b"}})"));
  EXPECT_TRUE(pair["score"].is_number());

  const Json groups = post("/models/bert-ner-cased/predict",
                           *Json::parse(R"({"text":"Ada","aggregation_strategy":"simple"})"));
  for (const Json& each : groups.as_array()) EXPECT_TRUE(each["entity_group"].is_string());
  const Json vector = post("/models/minilm-sentence/predict", text);
  EXPECT_TRUE(vector.as_array().at(0).is_number());
}

TEST_F(ModelServerTest, RequestsThatComeWhileItLoadsAreHeld) {
  serve({"bert-seqcls"});
  EXPECT_EQ(call("GET", "/ready", "", 503)["error"].int_or("code", 0), 503);
  call("GET", "/health");
  const auto early = send("POST", "/predict", R"({"inputs":"early"})");
  call("GET", "/v2/health/ready", "", 503);
  EXPECT_FALSE(early->response);
  load();
  wait(early);
  EXPECT_EQ(early->response->status, 200);
  call("GET", "/ready");
}

TEST_F(ModelServerTest, ManyAtOnceAreAnsweredEachAsAlone) {
  serve({"bert-seqcls"});
  load();
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 100; ++i) {
    answers.push_back(send("POST", "/predict", fmt::format(R"({{"inputs":"text {}"}})", i)));
  }
  answers.push_back(
      send("POST", "/predict", R"({"inputs":"x","parameters":{"truncation":false}})"));
  for (const auto& answer : answers) wait(answer);
  for (int i = 0; i < 100; ++i) {
    const Json alone = call("POST", "/predict", fmt::format(R"({{"inputs":"text {}"}})", i));
    const Json got = answers[static_cast<size_t>(i)]->json();
    EXPECT_EQ(got.as_array()[0]["label"], alone.as_array()[0]["label"]);
    EXPECT_NEAR(got.as_array()[0]["score"].as_double(), alone.as_array()[0]["score"].as_double(),
                1e-5);
  }
  call("GET", "/health");
  const auto metrics = send("GET", "/metrics");
  wait(metrics);
  EXPECT_THAT(metrics->response->body,
              HasSubstr("inference_requests_total{path=\"/predict\",code=\"200\"} 201"));
}

TEST_F(ModelServerTest, MoreThanTheQueueHoldsAreAnswered429) {
  serve({"bert-seqcls"});  // loads never: all wait
  std::vector<std::shared_ptr<Answer>> answers;
  for (int i = 0; i < 520; ++i) answers.push_back(send("POST", "/predict", R"({"inputs":"x"})"));
  const auto refused = [&] {
    return std::count_if(answers.begin(), answers.end(),
                         [](const auto& each) { return each->response.has_value(); });
  };
  io_linux::run_until(loop_, [&] { return refused() == 8; });
  for (const auto& answer : answers) {
    if (!answer->response) continue;
    EXPECT_EQ(answer->response->status, 429);
    EXPECT_EQ(answer->response->headers.get("retry-after"), "1");
  }
  EXPECT_THAT(ServerTest::refused("/predict", "{ no JSON", 429), HasSubstr("try again"))
      << "nobody reads what cannot wait";
  EXPECT_THAT(ServerTest::refused("/nowhere", "", 404), HasSubstr("no path"));
  EXPECT_THAT(ServerTest::refused("/models/none/predict", "{}", 404), HasSubstr("no model 'none'"));
}

TEST_F(ModelServerTest, ACallerWithTheMostWaitingMakesPlaceForAnother) {
  serve({"bert-seqcls"});  // loads never: all wait
  std::vector<std::shared_ptr<Answer>> loud;
  for (int i = 0; i < 512; ++i) {
    loud.push_back(send("POST", "/predict", R"({"inputs":"x"})", {{"x-forwarded-for", "9.9.9.9"}}));
  }
  const auto metrics = send("GET", "/metrics");
  wait(metrics);
  ASSERT_THAT(metrics->response->body, HasSubstr("inference_queue_length 512"));
  const auto other = std::make_shared<Answer>();
  http::Request request{.method = "POST", .target = "/predict", .body = R"({"inputs":"x"})"};
  request.headers.add("x-forwarded-for", "9.9.9.9");
  request.headers.add("x-forwarded-for", "8.8.8.8 , 10.0.0.7 ");  // the nearest proxy's own line
  const auto call =
      client_.fetch(address_, std::move(request), seconds(60), [other](Result<http::Response> got) {
        if (got) other->response = *std::move(got);
      });
  const auto refused = [&] {
    return std::count_if(loud.begin(), loud.end(), [](const auto& each) {
      return each->response && each->response->status == 429;
    });
  };
  io_linux::run_until(loop_, [&] { return refused() == 1; });
  EXPECT_FALSE(other->response) << "it waits";
}

TEST_F(ModelServerTest, EndsWhileItLoadsAndWhileItWorks) {
  const auto ends = [&](bool loaded) {
    serve({"bert-seqcls"});
    if (loaded) {
      load();
      // Work of many slices, under way when nobody is there any more.
      const std::string text(200'000, 'a');
      (void)send("POST", "/predict", Json::object({{"inputs", text}}).dump());
      const auto works = [&] {
        const auto metrics = send("GET", "/metrics");
        wait(metrics);
        return metrics->response->body.find("inference_batched_requests_total 1\n") !=
               std::string::npos;
      };
      while (!works()) {
      }
    } else {
      server_->load([](const Status&) { FAIL() << "it is gone"; });
    }
    calls_.clear();
    server_.reset();
    bool is_free = false;  // the worker: its last job has ended
    ASSERT_TRUE(worker_.run([] {}, [&] { is_free = true; }));
    io_linux::run_until(loop_, [&] { return is_free; });
  };
  ends(false);
  ends(true);
}

TEST_F(ModelServerTest, WhoeverLeavesWaitsNoMore) {
  serve({"bert-seqcls"});
  const auto left = send("POST", "/predict", R"({"inputs":"x"})");
  const auto length = [&] {
    const auto metrics = send("GET", "/metrics");
    wait(metrics);
    return metrics->response->body;
  };
  while (length().find("inference_queue_length 1") == std::string::npos) {
  }
  calls_.clear();
  while (length().find("inference_queue_length 0") == std::string::npos) {
  }
  load();
  call("POST", "/predict", R"({"inputs":"x"})");
  EXPECT_THAT(length(), HasSubstr("inference_batched_requests_total 1\n"));
}

TEST(Answer, IsGivenUpBetweenTwoSlicesWhenNobodyWaits) {
  const auto begun_slices = [](const std::string& name, const Json& body) {
    const auto model = encoder::Model::open(kFolder + name, {.threads = 1}).value();
    const TaskRequest request = *read_request(model->task(), body);
    int asked = 0;
    const auto given_up = answer(*model, request, [&] { return ++asked < 4; });
    EXPECT_TRUE(!given_up && given_up.error().code() == Code::kCancelled);
    const auto whole = answer(*model, request, [] { return true; });
    EXPECT_TRUE(whole);
    return asked;
  };
  std::string context;
  for (int i = 0; i < 8000; ++i) context += "Ada came to the port. ";
  EXPECT_EQ(
      begun_slices("distilbert-qa", Json::object({{"question", "Who?"}, {"context", context}})), 4);
  const Json::Array texts(kSlice * 4, Json("a text"));
  EXPECT_EQ(begun_slices("bert-seqcls", Json::object({{"inputs", texts}})), 4);
}

TEST_F(ModelServerTest, AllWindowsOfOneRequestTogetherAreBounded) {
  serve({"distilbert-qa"});
  load();
  std::string context;
  for (int i = 0; i < 500; ++i) context += "Ada came to the port. ";
  const Json one = Json::object({{"question", "Who?"}, {"context", context}});
  const Json body =
      Json::object({{"inputs", Json::Array(8, one)},
                    {"parameters", Json::object({{"max_seq_len", 32}, {"doc_stride", 25}})}});
  EXPECT_THAT(refused("/predict", body.dump()), HasSubstr("4096 windows together"));
}

TEST_F(ModelServerTest, AllAnswersOfALongContextAreBoundedToo) {
  serve({"distilbert-qa"});
  load();
  std::string context;
  for (int i = 0; i < 60'000; ++i) context += "port ";
  Json body = Json::object({{"question", "Where?"}, {"context", context}, {"top_k", -1}});
  EXPECT_THAT(refused("/predict", body.dump()), HasSubstr("answers to compare"));
  body.set("context", context.substr(0, 5'000));
  const Json all = post("/predict", body);
  std::set<std::string> texts;
  for (const Json& each : all.as_array()) {
    EXPECT_TRUE(texts.insert(each["answer"].as_string()).second) << each.dump();
  }
  EXPECT_GE(texts.size(), 10u) << "of one word to many";
}

TEST_F(ModelServerTest, VectorsInTheFormsOfOtherServers) {
  serve({"minilm-sentence"});
  load();
  const Json tei = post("/embed", *Json::parse(R"({"inputs":["one","two"]})"));
  const Json openai = post("/v1/embeddings", *Json::parse(R"({"input":"two","model":"x"})"));
  const Json& vector = openai["data"].as_array().at(0)["embedding"];
  EXPECT_EQ(vector, tei.as_array().at(1));
  const Json packed = post("/v1/embeddings", *Json::parse(R"({"input":"two","model":"x",
      "encoding_format":"base64"})"));
  const auto bytes = from_base64(packed["data"].as_array().at(0)["embedding"].as_string());
  ASSERT_TRUE(bytes);
  ASSERT_EQ(bytes->size(), vector.as_array().size() * 4);
  float first = 0;
  std::memcpy(&first, bytes->data(), 4);
  EXPECT_FLOAT_EQ(first, static_cast<float>(vector.as_array()[0].as_double()));
  EXPECT_GT(openai["usage"].int_or("prompt_tokens", 0), 2);
  std::string longest;
  for (int i = 0; i < 1000; ++i) longest += "word ";
  EXPECT_THAT(refused("/embed", Json::object({{"inputs", longest}}).dump(), 413),
              HasSubstr("token"));
  call("POST", "/embed", Json::object({{"inputs", longest}, {"truncate", true}}).dump());
}

TEST_F(ModelServerTest, WhatIsCutIsTold) {
  serve({"bert-seqcls"});
  load();
  std::string longest;
  for (int i = 0; i < 2000; ++i) longest += "word ";
  post("/predict", Json::object({{"inputs", Json::Array{longest, "short"}}}));
  EXPECT_EQ(last_.headers.get("x-truncated-inputs"), "1");
  EXPECT_THAT(refused("/predict", Json::object({{"text", longest}, {"truncation", false}}).dump()),
              HasSubstr("token"));
}

TEST_F(ModelServerTest, APushCarriesTheBodyOfAPredict) {
  serve({"bert-seqcls"});
  load();
  const std::string data = base64(R"({"inputs":"I love it"})");
  const Json got = post("/", Json::object({{"message", Json::object({{"data", data}})},
                                           {"subscription", "projects/p/subscriptions/s"}}));
  EXPECT_TRUE(got.as_array().at(0)["label"].is_string());
  EXPECT_THAT(refused("/", R"({"message":{"data":"%"}})"), HasSubstr("message.data"));
}

TEST_F(ModelServerTest, FaultsNameTheField) {
  serve({"distilbert-qa"});
  load();
  const std::pair<const char*, const char*> cases[] = {
      {"", "the body: not valid JSON"},
      {"[1]", "the body: must be a JSON object"},
      {R"({"question":"a","contxt":"b"})", "contxt: unknown field; did you mean 'context'?"},
      {R"({"question":"a"})", "context: is missing"},
      {R"({"question":1,"context":"b"})", "question: must be a string"},
      {R"({"question":"a","context":"b","top_k":0})", "top_k: must not be 0"},
      {R"({"question":"a","context":"b","top_k":1.5})", "top_k: 1.5 must be a whole number"},
      {R"({"inputs":"text"})", "inputs: must be a JSON object"},
      {R"({"inputs":[]})", "inputs: has 0 inputs"},
      {R"({"inputs":[{"question":"a","context":"b"},{"question":"a"}]})",
       "inputs[1].context: is missing"},
      {R"({"inputs":{"question":"a","context":"b"},"parameters":{"topk":1}})",
       "parameters.topk: unknown field; did you mean 'top_k'?"},
      {R"({"question":"","context":"b"})", "question"},
      {R"({"question":"a","context":""})", "context"},
  };
  for (const auto& [body, words] : cases) {
    EXPECT_THAT(refused("/predict", body), HasSubstr(words)) << body;
  }
  call("GET", "/predict", "", 405);
  call("GET", "/nothing", "", 404);
  EXPECT_THAT(refused("/embed", R"({"inputs":"a"})"),
              HasSubstr("no model here gives embeddings; there are distilbert-qa"));
}

TEST_F(ModelServerTest, ABodyOf33MiBIsRefusedAndTheServerGoesOn) {
  serve({"distilbert-qa"});
  load();
  const std::string context(33 << 20, 'x');
  const auto answer = send("POST", "/predict", R"({"question":"a","context":")" + context + "\"}");
  wait(answer);
  EXPECT_EQ(answer->response->status, 413);
  EXPECT_EQ(answer->json()["error"].string_or("status"), "INVALID_ARGUMENT");
  const auto metrics = send("GET", "/metrics");
  wait(metrics);
  EXPECT_THAT(metrics->response->body,
              HasSubstr("inference_requests_total{path=\"\",code=\"413\"} 1"));
  const std::string largest(32 << 20, '[');
  EXPECT_THAT(refused("/predict", largest), HasSubstr("the body"));
  call("POST", "/predict", R"({"question":"Who?","context":"Ada came."})");
}

TEST_F(ModelServerTest, MethodsThatAPathDoesNotHaveAreRefused) {
  serve({"distilbert-qa"});
  load();
  for (const char* path :
       {"/health", "/ready", "/metrics", "/openapi.json", "/docs", "/v2", "/v2/health/live",
        "/v2/health/ready", "/v2/models/distilbert-qa", "/v2/models/distilbert-qa/ready"}) {
    for (const char* method : {"POST", "DELETE", "PUT"}) {
      const Json fault = call(method, path, "", 405);
      EXPECT_THAT(fault["error"].string_or("message"), HasSubstr("use GET, HEAD")) << path;
      EXPECT_EQ(last_.headers.get("allow"), "GET, HEAD") << path;
    }
    const auto head = send("HEAD", path);
    wait(head);
    EXPECT_EQ(head->response->status, 200) << path;
    EXPECT_EQ(head->response->body, "") << path;
  }
}

TEST_F(ModelServerTest, WhatIsTooMuchOfOneFieldIsRefused) {
  serve({"bert-ner-cased"});
  load();
  std::string labels, numbers;
  for (int i = 0; i < 1001; ++i) labels += "\"O\",";
  for (int i = 0; i < 100'001; ++i) numbers += "0,";
  EXPECT_THAT(refused("/predict", R"({"text":"a","ignore_labels":[)" + labels + "\"O\"]}"),
              HasSubstr("ignore_labels: must be a list of at most 1000 labels"));
  EXPECT_THAT(
      refused("/predict", R"({"text":"a","ignore_labels":[")" + std::string(257, 'x') + "\"]}"),
      HasSubstr("ignore_labels: must be"));
  EXPECT_THAT(refused("/predict", R"({"text":"a","ignore_labels":[)" + numbers + "0]}"),
              HasSubstr("the body: more than 100000 values"));
}

TEST_F(ModelServerTest, TheOpenApiDocumentAndThePageAreThere) {
  serve({"distilbert-qa"});
  load();
  const Json api = call("GET", "/openapi.json");
  EXPECT_NE(api["paths"].find("/predict"), nullptr);
  const auto page = send("GET", "/docs");
  wait(page);
  EXPECT_THAT(page->response->body, HasSubstr("<!doctype html>"));
}

TEST_F(ModelServerTest, AFolderThatIsNoModelIsToldAtTheStart) {
  server_.emplace(net_, loop_, worker_, reader_,
                  std::vector<ModelSpec>{{"none", "/nonexistent/model", {}}}, Duration(0));
  std::optional<Status> loaded;
  server_->load([&](const Status& status) { loaded = status; });
  io_linux::run_until(loop_, [&] { return loaded.has_value(); });
  EXPECT_THAT(loaded->error().message(), HasSubstr("/nonexistent/model"));
}

}  // namespace
}  // namespace thaw::inference
