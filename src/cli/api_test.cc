#include "cli/api.h"

#include <gtest/gtest.h>

#include "cli/api_testing.h"

namespace thaw::cli {
namespace {

std::string address(std::string_view text) {
  const auto parsed = parse_address(text);
  return parsed ? parsed->str() : parsed.error().message();
}

TEST(ApiAddress, IsReadInEveryUsualForm) {
  EXPECT_EQ(address("127.0.0.1:9000"), "127.0.0.1:9000");
  EXPECT_EQ(address("localhost:9000"), "127.0.0.1:9000");
  EXPECT_EQ(address("http://localhost:9000/"), "127.0.0.1:9000");
  EXPECT_EQ(address("10.0.0.1"), "10.0.0.1:8081");
  EXPECT_EQ(address(":9000"), "127.0.0.1:9000");
  EXPECT_EQ(address("[::1]:9000"), "[::1]:9000");
  EXPECT_EQ(address("[::1]"), "[::1]:8081");
}

TEST(ApiAddress, WhatIsNoneIsNamed) {
  EXPECT_EQ(address("a.example:1"),
            "'a.example:1' does not name its host by an IP address or localhost; write HOST:PORT");
  EXPECT_EQ(address("127.0.0.1:0"), "'127.0.0.1:0' has no port from 1 to 65535; write HOST:PORT");
  EXPECT_EQ(address("127.0.0.1:99999"),
            "'127.0.0.1:99999' has no port from 1 to 65535; write HOST:PORT");
  EXPECT_EQ(address("127.0.0.1:"), "'127.0.0.1:' has no port from 1 to 65535; write HOST:PORT");
  EXPECT_EQ(address("[::1"), "'[::1' opens a bracket that is not closed; write HOST:PORT");
  EXPECT_EQ(address("https://1.2.3.4"),
            "'https://1.2.3.4' asks for TLS, which the API does not speak; write HOST:PORT");
  EXPECT_EQ(address("http://"), "'http://' names no host; write HOST:PORT");
}

class ApiCallTest : public ApiTest {};

TEST_F(ApiCallTest, TheFlagWinsOverTheEnvironmentAndFaultsNameTheirSource) {
  terminal.variables["THAW_API_ADDRESS"] = "nowhere";
  EXPECT_EQ(thaw({"services", "list"}), 2);
  EXPECT_NE(terminal.err.find("environment variable THAW_API_ADDRESS: 'nowhere'"),
            std::string::npos);
  EXPECT_EQ(thaw({"services", "list", "--api-address", "a b"}), 2);
  EXPECT_NE(terminal.err.find("--api-address: 'a b'"), std::string::npos);
  api.on_json(std::string("GET ") + kServices, Json::object({{"items", Json::array()}}));
  EXPECT_EQ(thaw({"--api-address", api.address().str(), "services", "list"}), 0) << terminal.err;
}

TEST_F(ApiCallTest, SomethingElseThatSpeaksHttpIsToldApart) {
  api.on(std::string("GET ") + kServices,
         [](const http::Request&) { return http::Response::text(200, "<html>"); });
  EXPECT_EQ(thaw({"services", "list"}), 1);
  EXPECT_NE(terminal.err.find("is that Thaw's API?"), std::string::npos) << terminal.err;
  api.on(std::string("GET ") + kServices,
         [](const http::Request&) { return http::Response::text(500, "oh no"); });
  EXPECT_NE(thaw({"services", "list"}), 0);
  EXPECT_NE(terminal.err.find("500 Internal Server Error: oh no"), std::string::npos)
      << terminal.err;
}

TEST_F(ApiCallTest, AnAnswerThatIsCutIsUnreachable) {
  api.on_streamed(std::string("GET ") + kServices,
                  [](const http::Request&, http::Responder responder) {
                    responder.start({.status = 200, .headers = {{"content-length", "100"}}});
                    responder.write("{");
                  });
  EXPECT_EQ(thaw({"services", "list"}), 3);
  EXPECT_NE(terminal.err.find("cannot reach Thaw at"), std::string::npos) << terminal.err;
}

TEST_F(ApiCallTest, HostileTextOfTheApiReachesTheTerminalEscaped) {
  api.on(std::string("GET ") + kServices + "/x", [](const http::Request&) {
    return http::Response::json(
        404, "{\"error\":{\"status\":\"NOT_FOUND\",\"message\":\"no \\u001b[2J here\"}}");
  });
  EXPECT_EQ(thaw({"services", "describe", "x"}), 4);
  EXPECT_EQ(terminal.err, "thaw: no \\x1b[2J here\n");
}

TEST_F(ApiCallTest, NamesAreEscapedInPaths) {
  EXPECT_EQ(thaw({"services", "describe", "../a b?c"}), 4);
  EXPECT_EQ(api.asked()[0], std::string("GET ") + kServices + "/..%2Fa%20b%3Fc");
}

TEST_F(ApiCallTest, LinesAreWholeHoweverTheyArrive) {
  api.on_streamed("GET /lines", [](const http::Request&, http::Responder responder) {
    responder.start({.status = 200});
    for (const char* piece : {"on", "e\ntwo\n\nth", "ree\n", "last"}) responder.write(piece);
    responder.end();
  });
  const Programs programs = fakes.programs();
  Context context = make_context(programs, terminal, ports, Globals());
  auto client = Api::open(context);
  ASSERT_TRUE(client);
  std::vector<std::string> lines;
  ASSERT_TRUE(client->lines("/lines", seconds(30), [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  }));
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three", "last"}));
}

}  // namespace
}  // namespace thaw::cli
