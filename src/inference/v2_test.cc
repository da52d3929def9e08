// The Open Inference Protocol's REST form over real loopback sockets.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/server_testing.h"
#include "inference/v2_tensors.h"

namespace thaw::inference {
namespace {

using ::testing::HasSubstr;

class InferenceProtocol : public ServerTest {
 protected:
  static std::string tensor(const std::string& name, const std::string& more) {
    return fmt::format(R"({{"name":"{}","datatype":"BYTES","shape":[1],{}}})", name, more);
  }
  static std::string text(const std::string& name, const std::string& text) {
    return tensor(name, fmt::format(R"("data":["{}"])", text));
  }
  /// A question and its context, with `more` beside the inputs.
  static std::string question(const std::string& more = "") {
    return fmt::format(R"({{"inputs":[{},{}]{}}})", text("question", "Who?"),
                       text("context", "Ada came."), more);
  }
  /// The bytes of one text.
  static std::string packed(const std::string& text) {
    return raw_of(Json::object({{"datatype", "BYTES"}, {"data", Json::Array{text}}}));
  }
  static std::vector<std::string> names_of(const Json& answer) {
    std::vector<std::string> names;
    for (const Json& each : answer["outputs"].as_array()) names.push_back(each.string_or("name"));
    return names;
  }
  /// A body of JSON and of what follows it.
  Answer infer_binary(const std::string& json, const std::string& binary) {
    const auto answer = send("POST", kInfer, json + binary,
                             {{"inference-header-content-length", std::to_string(json.size())}});
    wait(answer);
    return *answer;
  }

  const std::string kInfer = "/v2/models/distilbert-qa/infer";
};

TEST_F(InferenceProtocol, AContextWithoutWordsHasAnEmptyAnswerInTensorsToo) {
  serve({"distilbert-qa"});
  load();
  const Json got = post("/v2/models/distilbert-qa/infer", *Json::parse(R"({"inputs":[
      {"name":"question","datatype":"BYTES","shape":[2],"data":["Who?","Who?"]},
      {"name":"context","datatype":"BYTES","shape":[2],"data":["\u200b","Ada came."]}]})"));
  for (const Json& tensor : got["outputs"].as_array()) {
    const Json::Array& data = tensor["data"].as_array();
    ASSERT_EQ(data.size(), 2u) << tensor.dump();
    const std::string type = tensor.string_or("datatype");
    const Json nothing = type == "BYTES" ? Json("") : type == "INT64" ? Json(0) : Json(0.0);
    EXPECT_EQ(data[0], nothing) << tensor.dump();
    EXPECT_EQ(data[1].is_string(), type == "BYTES") << tensor.dump();
  }
}

TEST_F(InferenceProtocol, TheInferenceProtocolHasTensors) {
  serve({"distilbert-qa"});
  load();
  const Json about = call("GET", "/v2/models/distilbert-qa");
  EXPECT_EQ(about["inputs"].as_array().at(1).string_or("name"), "context");
  const std::string infer = "/v2/models/distilbert-qa/infer";
  const Json got = post(infer, *Json::parse(R"({"id":"7","inputs":[
      {"name":"question","datatype":"BYTES","shape":[2],"data":["Who?","What?"]},
      {"name":"context","datatype":"BYTES","shape":[2],"data":["Ada came.","The port."]}]})"));
  EXPECT_EQ(got.string_or("id"), "7");
  ASSERT_EQ(got["outputs"].as_array().size(), 4u);
  EXPECT_EQ(got["outputs"].as_array()[0]["data"].as_array().size(), 2u);
  EXPECT_THAT(refused(infer, R"({"inputs":[{"name":"question","datatype":"BYTES","shape":[3],
      "data":["Who?"]}]})"),
              HasSubstr("the shape says 3 texts, data has 1"));
  EXPECT_THAT(refused(infer, R"({"inputs":[{"name":"q","datatype":"BYTES","shape":[1],
      "data":["Who?"]}]})"),
              HasSubstr("no input 'q'"));
  EXPECT_THAT(refused(infer, R"({"inputs":[{"name":"question","datatype":"FP32","shape":[1],
      "data":[1]}]})"),
              HasSubstr("inputs[0].datatype: must be BYTES"));
  call("POST", "/v2/models/none/infer", "{}", 404);
}

TEST_F(InferenceProtocol, OnlyTheOutputsAskedForAreSent) {
  serve({"distilbert-qa"});
  load();
  using Names = std::vector<std::string>;
  const auto names = [&](const std::string& outputs) {
    return names_of(call("POST", kInfer, question(R"(,"outputs":)" + outputs)));
  };
  EXPECT_EQ(names(R"([{"name":"answer"}])"), Names{"answer"});
  EXPECT_EQ(names(R"([{"name":"end"},{"name":"answer"}])"), (Names{"end", "answer"}));
  EXPECT_EQ(names("[]"), (Names{"answer", "score", "start", "end"}));
  const std::pair<const char*, const char*> wrong[] = {
      {R"([{"name":"nope"}])",
       "outputs[0].name: the model has no output 'nope'; there are answer, score, start, end"},
      {R"([{"name":"end"},{"name":"end"}])", "outputs[1].name: 'end' is there twice"},
      {R"([{}])", "outputs[0].name: the model has no output ''"},
      {R"([7])", "outputs[0]: must be a JSON object"},
      {R"([{"name":"end","parameters":{"classification":2}}])",
       "outputs[0].parameters.classification: unknown field"},
      {"7", "outputs: must be a list"},
  };
  for (const auto& [outputs, words] : wrong) {
    EXPECT_THAT(refused(kInfer, question(fmt::format(R"(,"outputs":{})", outputs))),
                HasSubstr(words));
  }
}

TEST_F(InferenceProtocol, AModelHasOneVersion) {
  serve({"distilbert-qa"});
  load();
  const std::string model = "/v2/models/distilbert-qa/versions/";
  call("POST", model + "1/infer", question());
  call("GET", model + "1/ready");
  call("GET", model + "1");
  for (const char* version : {"99", "0", "01", "latest"}) {
    const std::string fault = refused(model + version + "/infer", question(), 404);
    EXPECT_THAT(fault, HasSubstr(fmt::format("no version '{}'; there is 1", version)));
    call("GET", model + version + "/ready", "", 404);
    call("GET", model + version, "", 404);
  }
}

TEST_F(InferenceProtocol, AnInputIsGivenOnceAndAnIdIsShort) {
  serve({"distilbert-qa"});
  load();
  EXPECT_THAT(refused(kInfer, fmt::format(R"({{"inputs":[{},{},{}]}})", text("question", "Who?"),
                                          text("context", "Ada came."), text("question", "What?"))),
              HasSubstr("inputs[2].name: 'question' is there twice"));
  const std::string id(256, 'i');
  EXPECT_EQ(call("POST", kInfer, question(R"(,"id":")" + id + "\"")).string_or("id"), id);
  EXPECT_THAT(refused(kInfer, question(R"(,"id":")" + id + "i\"")),
              HasSubstr("id: has 257 bytes, at most 256"));
}

TEST_F(InferenceProtocol, TensorsMayBeBytesBehindTheJson) {
  serve({"distilbert-qa"});
  load();
  const Json extensions = call("GET", "/v2")["extensions"];
  EXPECT_EQ(extensions, Json(Json::Array{"binary_tensor_data"}));
  const Json plain = call("POST", kInfer, question());
  const std::string who = packed("Who?"), context = packed("Ada came.");
  const auto sized = [](const std::string& bytes) {
    return fmt::format(R"("parameters":{{"binary_data_size":{}}})", bytes.size());
  };
  const std::string inputs = fmt::format(R"("inputs":[{},{}])", tensor("question", sized(who)),
                                         tensor("context", sized(context)));
  // As tritonclient asks unless it is told otherwise.
  const Answer got =
      infer_binary("{" + inputs + R"(,"parameters":{"binary_data_output":true}})", who + context);
  ASSERT_EQ(got.response->status, 200) << got.response->body;
  EXPECT_EQ(got.response->headers.get("content-type"), "application/octet-stream");
  const size_t length =
      std::stoul(std::string(got.response->headers.get("inference-header-content-length")));
  const Json head = *Json::parse(got.response->body.substr(0, length));
  std::string_view rest = std::string_view(got.response->body).substr(length);
  for (size_t i = 0; i < 4; ++i) {
    const Json& tensor = head["outputs"].as_array().at(i);
    EXPECT_EQ(tensor.find("data"), nullptr);
    const auto size = static_cast<size_t>(tensor["parameters"].int_or("binary_data_size", 0));
    EXPECT_EQ(rest.substr(0, size), raw_of(plain["outputs"].as_array().at(i)));
    rest.remove_prefix(size);
  }
  EXPECT_EQ(rest, "");

  // One output as bytes; one input in the JSON, no header for a body that is all JSON.
  const Answer mixed =
      infer_binary(fmt::format(R"({{"inputs":[{},{}],"outputs":[{{"name":"answer"}},
          {{"name":"end","parameters":{{"binary_data":true}}}}]}})",
                               text("question", "Who?"), tensor("context", sized(context))),
                   context);
  ASSERT_EQ(mixed.response->status, 200) << mixed.response->body;
  const std::string& body = mixed.response->body;
  EXPECT_EQ(body.substr(body.size() - 8), raw_of(plain["outputs"].as_array().at(3)));
  EXPECT_THAT(body, HasSubstr(plain["outputs"].as_array().at(0)["data"].dump()));
}

TEST_F(InferenceProtocol, BytesThatDoNotFitTheirJsonAreRefused) {
  serve({"distilbert-qa"});
  load();
  const auto fault = [&](const std::string& question, const std::string& bytes) {
    const Answer got = infer_binary(
        fmt::format(R"({{"inputs":[{},{}]}})", question, text("context", "Ada came.")), bytes);
    EXPECT_EQ(got.response->status, 400);
    return got.json()["error"].string_or("message");
  };
  const auto sized = [](const std::string& size) {
    return tensor("question", fmt::format(R"("parameters":{{"binary_data_size":{}}})", size));
  };
  EXPECT_THAT(fault(sized("9"), packed("Who?")), HasSubstr("9 is no size from 0 to 8"));
  EXPECT_THAT(fault(sized("-1"), packed("Who?")), HasSubstr("-1 is no size"));
  EXPECT_THAT(fault(sized("\"8\""), packed("Who?")), HasSubstr("is no size"));
  EXPECT_THAT(fault(sized("8"), packed("Who?") + "more"), HasSubstr("4 bytes follow the JSON"));
  EXPECT_THAT(fault(sized("7"), packed("Who?")), HasSubstr("inputs[0]: its binary data: is no"));
  EXPECT_THAT(fault(sized("8"), packed("\xff\xff\xff\xff")), HasSubstr("text 0 is no UTF-8"));
  EXPECT_THAT(fault(text("question", "Who?"), "x"), HasSubstr("1 bytes follow"));
  EXPECT_THAT(fault(tensor("question", R"("data":["a"],"parameters":7)"), ""),
              HasSubstr("inputs[0].parameters: must be a JSON object"));
  EXPECT_THAT(fault(tensor("question", R"("data":["a"],"parameters":{"binary_size":5})"), ""),
              HasSubstr("inputs[0].parameters.binary_size: unknown field"));
  EXPECT_THAT(
      fault(tensor("question", R"("data":["a"],"parameters":{"binary_data_size":5})"), packed("a")),
      HasSubstr("inputs[0].data: must be absent"));
  for (const char* length : {"1000000", "-1", "", "1x", "99999999999999999999"}) {
    const auto got =
        send("POST", kInfer, question(), {{"inference-header-content-length", length}});
    wait(got);
    EXPECT_EQ(got->response->status, 400) << length;
    EXPECT_THAT(got->response->body, HasSubstr("Inference-Header-Content-Length")) << length;
  }
  EXPECT_THAT(refused(kInfer, question(R"(,"parameters":{"binary_data_output":1})")),
              HasSubstr("parameters.binary_data_output: must be true or false"));
}

}  // namespace
}  // namespace thaw::inference
