#include <gtest/gtest.h>

#include "cli/api_testing.h"

namespace thaw::cli {
namespace {

constexpr char kPath[] = "GET /thaw/v1/services/hello/logs";

std::string line(const std::string& message, const std::string& severity = "INFO",
                 const std::string& revision = "hello-00001-abc") {
  return Json::object({{"timestamp", "2026-01-01T00:00:03.0045Z"},
                       {"severity", severity},
                       {"service", "hello"},
                       {"revision", revision},
                       {"instance", revision + "-5f3a9c"},
                       {"stream", "stdout"},
                       {"message", message}})
             .dump() +
         "\n";
}

class LogsTest : public ApiTest {
 protected:
  void answer(const std::string& text) {
    api.on(kPath, [text](const http::Request&) { return http::Response::text(200, text); });
  }
  std::string_view query(std::string_view name) {
    return http::find(api.requests.back().query, name).value_or("");
  }
};

TEST_F(LogsTest, ALineHasTimeSeverityInstanceAndMessage) {
  answer(line("hello\tyou") + line("boom", "ERROR") + line("plain", "DEFAULT"));
  ASSERT_EQ(thaw({"logs", "hello"}), 0) << terminal.err;
  EXPECT_EQ(terminal.out,
            "2026-01-01T00:00:03.004Z INFO    5f3a9c hello\tyou\n"
            "2026-01-01T00:00:03.004Z ERROR   5f3a9c boom\n"
            "2026-01-01T00:00:03.004Z stdout  5f3a9c plain\n");
  EXPECT_EQ(query("tail"), "100");
  EXPECT_EQ(query("follow"), "");
}

TEST_F(LogsTest, ControlCharactersAreEscapedOnATerminalAndKeptInAPipe) {
  answer(line("a\x1b]0;title\x07"));
  ASSERT_EQ(thaw({"logs", "hello"}), 0);
  EXPECT_NE(terminal.out.find("a\x1b]0;title\x07\n"), std::string::npos);
  terminal.tty = true;
  ASSERT_EQ(thaw({"logs", "hello", "--color", "never"}), 0);
  EXPECT_NE(terminal.out.find("a\\x1b]0;title\\x07\n"), std::string::npos);
  EXPECT_EQ(terminal.out.find('\x1b'), std::string::npos);
}

TEST_F(LogsTest, FieldsOfAStructuredLineAreShown) {
  answer(R"({"timestamp":"2026-01-01T00:00:03Z","severity":"INFO","message":"done",)"
         R"("jsonPayload":{"ms":5}})");
  ASSERT_EQ(thaw({"logs", "hello"}), 0);
  EXPECT_EQ(terminal.out, "2026-01-01T00:00:03.000Z INFO    -      done {\"ms\":5}\n");
}

TEST_F(LogsTest, WhatToShowIsAskedOfTheApi) {
  answer("");
  ASSERT_EQ(thaw({"logs", "hello", "-n", "5", "--severity", "WARNING", "--since", "1h"}), 0);
  EXPECT_EQ(query("tail"), "5");
  EXPECT_EQ(query("severity"), "WARNING");
  const auto since = parse_rfc3339(query("since"));
  ASSERT_TRUE(since);
  const Duration back = ports.loop().wall_now() - *since;
  EXPECT_GE(back, seconds(3600));
  EXPECT_LT(back, seconds(3700));
  EXPECT_EQ(terminal.out, "");
}

TEST_F(LogsTest, TailCountsTheLinesOfTheRevision) {
  std::string text;
  for (int i = 0; i < 5; ++i) {
    text += line("old " + std::to_string(i)) + line("new", "INFO", "hello-00002-def");
  }
  answer(text);
  ASSERT_EQ(thaw({"logs", "hello", "--tail", "2", "--revision", "hello-00001-abc", "--json"}), 0);
  EXPECT_EQ(std::count(terminal.out.begin(), terminal.out.end(), '\n'), 2);
  EXPECT_NE(terminal.out.find("old 3"), std::string::npos);
  EXPECT_NE(terminal.out.find("old 4"), std::string::npos);
}

TEST_F(LogsTest, GcloudsNamesOfFlagsMeanTheSame) {
  answer("");
  ASSERT_EQ(thaw({"logs", "hello", "--limit", "5", "--freshness", "1h"}), 0) << terminal.err;
  EXPECT_EQ(query("tail"), "5");
  EXPECT_NE(query("since"), "");
  EXPECT_EQ(thaw({"logs", "hello", "--limit", "5", "--tail", "6"}), 2);
  EXPECT_NE(terminal.err.find("--tail and --limit are the same"), std::string::npos);
  EXPECT_EQ(thaw({"logs", "hello", "--limits", "5"}), 2);
  EXPECT_NE(terminal.err.find("--limit"), std::string::npos);
}

TEST_F(LogsTest, TheNewestCanComeFirst) {
  answer(line("one") + line("two") + line("three"));
  ASSERT_EQ(thaw({"logs", "hello", "--order", "desc", "--limit", "2"}), 0) << terminal.err;
  EXPECT_EQ(terminal.out.find("one"), std::string::npos);
  EXPECT_LT(terminal.out.find("three"), terminal.out.find("two"));
  EXPECT_EQ(thaw({"logs", "hello", "--order", "desc", "--follow"}), 2);
  EXPECT_EQ(thaw({"logs", "hello", "--order", "random"}), 2);
}

TEST_F(LogsTest, AFilterIsAppliedBeforeTheLimit) {
  answer(line("slow one") + line("slow two", "ERROR") + line("slow three", "ERROR") + line("four"));
  ASSERT_EQ(thaw({"logs", "hello", "--log-filter", "severity>=ERROR AND slow", "--limit", "1"}), 0);
  EXPECT_EQ(query("tail"), "100000");
  EXPECT_NE(terminal.out.find("slow three"), std::string::npos);
  EXPECT_EQ(std::count(terminal.out.begin(), terminal.out.end(), '\n'), 1);
  EXPECT_EQ(thaw({"logs", "hello", "--log-filter", "severty>=ERROR"}), 2);
  EXPECT_NE(terminal.err.find("did you mean 'severity'?"), std::string::npos);
}

TEST_F(LogsTest, FollowingShowsEachLineAsItComesUntilTheReaderGoes) {
  std::optional<http::Responder> stream;
  api.on_streamed(kPath, [&](const http::Request&, http::Responder responder) {
    stream.emplace(std::move(responder));
    stream->start({.status = 200});
    stream->write(line("quiet", "DEBUG") + line("first"));
  });
  // Only after the first line was shown does the second exist; then nobody reads any more.
  terminal.on_out = [&] {
    terminal.out_fault = Error(Code::kCancelled, "nobody reads");
    stream->write(line("second"));
  };
  EXPECT_EQ(thaw({"logs", "hello", "-f", "--severity", "INFO"}), 0) << terminal.err;
  EXPECT_NE(terminal.out.find("first"), std::string::npos);
  EXPECT_EQ(terminal.out.find("quiet"), std::string::npos);  // filtered also when it is new
  EXPECT_EQ(query("follow"), "true");
}

TEST_F(LogsTest, AnUnknownServiceIsNotFoundAlsoWhenFollowed) {
  EXPECT_EQ(thaw({"logs", "nobody", "-f"}), 4);
  EXPECT_EQ(terminal.err, "thaw: GET /thaw/v1/services/nobody/logs is not here\n");
}

TEST_F(LogsTest, WrongValuesAreRefusedBeforeAnythingIsAsked) {
  EXPECT_EQ(thaw({"logs", "hello", "--tail", "-1"}), 2);
  EXPECT_EQ(thaw({"logs", "hello", "--since", "yesterday"}), 2);
  EXPECT_EQ(thaw({"logs", "hello", "--severity", "LOUD"}), 2);
  EXPECT_TRUE(api.requests.empty());
}

TEST_F(LogsTest, LinesThatAreNoJsonArePassedOver) {
  answer("nonsense\n" + line("good") + "{\"half");
  ASSERT_EQ(thaw({"logs", "hello"}), 0);
  EXPECT_EQ(std::count(terminal.out.begin(), terminal.out.end(), '\n'), 1);
}

}  // namespace
}  // namespace thaw::cli
