#include "cli/log_filter.h"

#include <gtest/gtest.h>

namespace thaw::cli {
namespace {

Json line(std::string_view severity, std::string_view message) {
  return Json::object({{"severity", severity},
                       {"message", message},
                       {"revision", "web-00002-abc"},
                       {"stream", "stdout"}});
}

Json request(int status) {
  Json made = line("INFO", "");
  made.set("httpRequest",
           Json::object({{"status", status}, {"requestUrl", "http://web.localhost/health"}}));
  return made;
}

bool takes(std::string_view filter, const Json& of) {
  const auto parsed = LogFilter::parse(filter);
  EXPECT_TRUE(parsed) << parsed.error().error.message();
  return parsed && parsed->takes(of);
}

TEST(LogFilter, ComparesSeverities) {
  const Json warning = line("WARNING", "x");
  for (const char* filter : {"severity>=WARNING", "severity=WARNING", "severity<ERROR",
                             "severity>INFO", "severity!=INFO", "severity<=WARNING",
                             "severity:WARNING", "NOT severity=ERROR", "-severity>WARNING"}) {
    EXPECT_TRUE(takes(filter, warning)) << filter;
  }
  for (const char* filter : {"severity>WARNING", "severity=INFO", "NOT severity>=INFO"}) {
    EXPECT_FALSE(takes(filter, warning)) << filter;
  }
  EXPECT_FALSE(takes("severity>=DEBUG", line("nonsense", "x")));
}

TEST(LogFilter, FindsTextWhateverItsCase) {
  const Json timeout = line("INFO", "the \"pool\" had a Timeout");
  for (const char* filter :
       {"timeout", "\"a timeout\"", "textPayload:TIMEOUT", "pool timeout", "pool AND timeout",
        "NOT refused", R"("\"pool\"")", "resource.labels.revision_name=web-00002-abc"}) {
    EXPECT_TRUE(takes(filter, timeout)) << filter;
  }
  for (const char* filter : {"refused", "textPayload=timeout", "timeout AND refused",
                             "resource.labels.revision_name!=web-00002-abc"}) {
    EXPECT_FALSE(takes(filter, timeout)) << filter;
  }
  Json structured = line("INFO", "done");
  structured.set("jsonPayload", Json::object({{"order", "A-17"}}));
  EXPECT_TRUE(takes("a-17", structured));
}

TEST(LogFilter, ComparesTheStatusOfRequestsOnly) {
  EXPECT_TRUE(takes("httpRequest.status>=500", request(503)));
  EXPECT_FALSE(takes("httpRequest.status>=500", request(404)));
  EXPECT_FALSE(takes("httpRequest.status<500", line("INFO", "500")));
  EXPECT_TRUE(takes("health", request(200)));
}

TEST(LogFilter, WhatIsWrongIsNamed) {
  for (const auto& [filter, words] : {std::pair{"severty>=ERROR", "did you mean 'severity'?"},
                                      {"severity>=LOUD", "names no severity"},
                                      {"labels.x=1", "these are severity, textPayload"},
                                      {"a OR b", "'OR' is not known here"},
                                      {"(a b)", "parentheses"},
                                      {"\"open", "open quote"},
                                      {R"("a\")", "open quote"},
                                      {"a NOT", "ends with NOT"},
                                      {"", "has no term"},
                                      {"textPayload>a", "compares a text"},
                                      {"httpRequest.status=5xx", "a whole number"},
                                      {"severity>=", "compares with nothing"}}) {
    const auto parsed = LogFilter::parse(filter);
    ASSERT_FALSE(parsed) << filter;
    EXPECT_NE(parsed.error().error.message().find("--log-filter: '"), std::string::npos);
    EXPECT_NE(parsed.error().error.message().find(words), std::string::npos)
        << parsed.error().error.message();
  }
}

}  // namespace
}  // namespace thaw::cli
