#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/api_testing.h"

namespace thaw::cli {
namespace {

/// The fake API is the gateway too: the service's URL leads to its port.
class InvokeTest : public ApiTest {
 protected:
  InvokeTest() {
    const std::string port = std::to_string(api.address().port);
    api.on_json(std::string("GET ") + kServices + "/hello",
                parsed(R"({"status": {"url": "http://hello.localhost:)" + port +
                       R"(", "traffic": [{"tag": "next", "url": "http://next---hello.localhost:)" +
                       port + R"("}]}})"));
    host_ = "hello.localhost:" + port;
    reply({.status = 200, .headers = {{"x-a", "b"}}, .body = "fine\n"});
  }

  void reply(const http::Response& response) {
    for (const char* what : {"GET /", "POST /predict", "PUT /", "GET /a/b"}) {
      api.on(what, [response](const http::Request&) { return response; });
    }
  }
  const http::Request& got() const { return api.requests.back(); }

  std::string host_;
};

TEST_F(InvokeTest, AGetGoesToTheServicesHostAndTheBodyComesOut) {
  ASSERT_EQ(thaw({"invoke", "hello"}), 0) << terminal.err;
  EXPECT_EQ(terminal.out, "fine\n");
  EXPECT_EQ(got().method, "GET");
  EXPECT_EQ(got().target, "/");
  EXPECT_EQ(got().host, host_);
}

TEST_F(InvokeTest, DataIsPostedWithTheTypeItLooksLike) {
  const auto type = [&](const std::vector<std::string>& words) {
    std::vector<std::string> all = {"invoke", "hello", "/predict?a=b"};
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_EQ(thaw(all), 0) << terminal.err;
    EXPECT_EQ(got().method, "POST");
    EXPECT_EQ(got().target, "/predict?a=b");
    return std::string(got().headers.get("content-type"));
  };
  EXPECT_EQ(type({"--data", "{\"a\": 1}"}), "application/json");
  EXPECT_EQ(type({"--data", "text"}), "text/plain");
  EXPECT_EQ(type({"--data", "text", "--content-type", "x/y"}), "x/y");
  terminal.input = " [1]";
  EXPECT_EQ(type({"-d", "-"}), "application/json");
  EXPECT_EQ(got().body, " [1]");
  const auto file = std::filesystem::temp_directory_path() /
                    ("thaw-invoke-" + std::to_string(api.address().port) + ".csv");
  std::ofstream(file) << "ds,y\n";
  EXPECT_EQ(type({"-d", "@" + file.string()}), "text/csv");
  EXPECT_EQ(got().body, "ds,y\n");
  std::filesystem::remove(file);
}

TEST_F(InvokeTest, MethodAndHeadersAreAsGiven) {
  ASSERT_EQ(thaw({"invoke", "hello", "a/b", "-H", "Accept: text/plain", "--header", "X-Empty:"}), 0)
      << terminal.err;
  EXPECT_EQ(got().target, "/a/b");
  EXPECT_EQ(got().headers.get("accept"), "text/plain");
  EXPECT_EQ(got().headers.find("x-empty"), "");
  ASSERT_EQ(thaw({"invoke", "hello", "-X", "PUT"}), 0);
  EXPECT_EQ(got().method, "PUT");
}

TEST_F(InvokeTest, WordsThatWouldMakeNoRequestAreRefused) {
  EXPECT_EQ(thaw({"invoke", "hello", "-H", "nonsense"}), 2);
  EXPECT_EQ(thaw({"invoke", "hello", "-H", "A: b\r\nEvil: c"}), 2);
  EXPECT_EQ(thaw({"invoke", "hello", "/a b"}), 2);
  EXPECT_EQ(thaw({"invoke", "hello", "-d", "@/nonexistent/file"}), 1);
  EXPECT_TRUE(api.requests.empty());
}

TEST_F(InvokeTest, AnErrorStatusShowsTheBodyAndEndsWithOne) {
  reply({.status = 503, .headers = {}, .body = "the container failed to start"});
  EXPECT_EQ(thaw({"invoke", "hello"}), 1);
  EXPECT_EQ(terminal.out, "the container failed to start");
  EXPECT_EQ(terminal.err, "thaw: hello answered 503 Service Unavailable\n");
}

TEST_F(InvokeTest, IncludeShowsStatusAndHeaders) {
  ASSERT_EQ(thaw({"invoke", "hello", "-i"}), 0);
  EXPECT_TRUE(terminal.out.starts_with("HTTP/1.1 200 OK\n")) << terminal.out;
  EXPECT_NE(terminal.out.find("x-a: b\n"), std::string::npos) << terminal.out;
  EXPECT_TRUE(terminal.out.ends_with("\n\nfine\n"));
}

TEST_F(InvokeTest, ABodyReachesATerminalEscapedAndAPipeAsItIs) {
  reply({.status = 200, .headers = {}, .body = "a\x1b[2J"});
  ASSERT_EQ(thaw({"invoke", "hello"}), 0);
  EXPECT_EQ(terminal.out, "a\x1b[2J");
  terminal.tty = true;
  ASSERT_EQ(thaw({"invoke", "hello"}), 0);
  EXPECT_EQ(terminal.out, "a\\x1b[2J\n");
}

TEST_F(InvokeTest, JsonHoldsTheAnswerTextAsTextAndBytesAsBase64) {
  ASSERT_EQ(thaw({"invoke", "hello", "--json"}), 0);
  EXPECT_EQ(out_json().int_or("status", 0), 200);
  EXPECT_EQ(out_json().string_or("body"), "fine\n");
  EXPECT_EQ(out_json()["headers"].string_or("x-a"), "b");
  reply({.status = 404, .headers = {}, .body = "\xff\xfe"});
  EXPECT_EQ(thaw({"invoke", "hello", "--json"}), 1);
  EXPECT_EQ(out_json().string_or("bodyBase64"), "//4=");
}

TEST_F(InvokeTest, ATagHasAHostOfItsOwn) {
  ASSERT_EQ(thaw({"invoke", "hello", "--tag", "next"}), 0);
  EXPECT_EQ(got().host, "next---" + host_);
  EXPECT_EQ(thaw({"invoke", "hello", "--tag", "nobody"}), 4);
  EXPECT_EQ(terminal.err, "thaw: hello has no traffic tag 'nobody'\n");
}

TEST_F(InvokeTest, TheWaterfallIsThatOfTheStartItCaused) {
  constexpr char kStarts[] = "GET /thaw/v1/services/hello/starts";
  int asked = 0;
  api.on(kStarts, [&](const http::Request&) {
    ++asked;
    const std::string old = R"({"instance":"hello-1-old","time":"2026-01-01T00:00:00Z",)"
                            R"("queuedMs":1,"firstByteMs":1})";
    const std::string fresh = R"({"instance":"hello-1-new","time":"2026-01-01T00:00:09Z",)"
                              R"("queuedMs":1,"sandboxMs":2,"execMs":3,"loadMs":4)";
    std::string body = "{\"starts\":[" + old;
    // Its last point comes after the answer.
    if (asked == 2) body += "," + fresh + "}";
    if (asked > 2) body += "," + fresh + ",\"firstByteMs\":5}";
    return http::Response::json(200, body + "]}");
  });
  ASSERT_EQ(thaw({"invoke", "hello", "--waterfall"}), 0) << terminal.err;
  EXPECT_EQ(asked, 3);
  EXPECT_NE(terminal.out.find("fine\n\nWake of hello-1-new\n  queued"), std::string::npos)
      << terminal.out;
  EXPECT_NE(terminal.out.find("total         15.0 ms  listening after 10.0 ms"), std::string::npos)
      << terminal.out;
}

TEST_F(InvokeTest, WithoutAStartTheWaterfallSaysSo) {
  api.on_json("GET /thaw/v1/services/hello/starts", parsed(R"({"starts": []})"));
  ASSERT_EQ(thaw({"invoke", "hello", "--waterfall"}), 0);
  EXPECT_EQ(terminal.out, "fine\n\nNo start was needed: an instance was awake.\n");
}

TEST_F(InvokeTest, AStreamedAnswerComesPieceByPiece) {
  api.on_streamed("GET /stream", [&](const http::Request&, http::Responder responder) {
    responder.start({.status = 200});
    for (int i = 0; i < 3; ++i) responder.write("data: " + std::to_string(i) + "\n\n");
    responder.end();
  });
  ASSERT_EQ(thaw({"invoke", "hello", "/stream"}), 0) << terminal.err;
  EXPECT_EQ(terminal.out, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
}

TEST_F(InvokeTest, AnUnknownServiceIsNotFoundAndOneWithoutAUrlIsRefused) {
  EXPECT_EQ(thaw({"invoke", "nobody"}), 4);
  api.on_json(std::string("GET ") + kServices + "/hello", Json::object());
  EXPECT_EQ(thaw({"invoke", "hello"}), 5);
  api.on_json(std::string("GET ") + kServices + "/hello",
              parsed(R"({"status": {"url": "https://hello.example"}})"));
  EXPECT_EQ(thaw({"invoke", "hello"}), 5);
}

TEST_F(InvokeTest, AGatewayThatIsNotThereIsUnreachable) {
  api.on_json(std::string("GET ") + kServices + "/hello",
              parsed(R"({"status": {"url": "http://hello.localhost:1"}})"));
  EXPECT_EQ(thaw({"invoke", "hello"}), 3);
  EXPECT_NE(terminal.err.find("invoke hello"), std::string::npos) << terminal.err;
  EXPECT_NE(terminal.err.find("Connection refused"), std::string::npos) << terminal.err;
}

}  // namespace
}  // namespace thaw::cli
