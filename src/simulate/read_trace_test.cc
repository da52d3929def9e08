#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulate/trace.h"

namespace thaw::simulate {
namespace {

using testing::HasSubstr;

Result<Trace> read(std::string_view text) { return read_trace(text, "t", milliseconds(200)); }

TEST(ReadTrace, TakesCsvWithSecondsOrDatesInAnyOrder) {
  const auto trace = read(
      "time,service,duration\n"
      "2026-11-01T00:00:10Z,b,0.5\n"
      "2026-11-01T00:00:00Z,a,\n"
      "2026-11-01T00:00:04.5Z,b,1\n");
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->services.size(), 2U);
  EXPECT_EQ(trace->services[0].service, "a");
  EXPECT_EQ(trace->services[0].calls[0].at, 0);
  EXPECT_FLOAT_EQ(trace->services[0].calls[0].takes, 0.2F);
  ASSERT_EQ(trace->services[1].calls.size(), 2U);
  EXPECT_DOUBLE_EQ(trace->services[1].calls[0].at, 4.5);
  EXPECT_FLOAT_EQ(trace->services[1].calls[1].takes, 0.5F);
  EXPECT_DOUBLE_EQ(trace->span, 11.5);
  EXPECT_EQ(read("time\n3\n1\n2.5\n")->services[0].calls.size(), 3U);
}

TEST(ReadTrace, TakesAccessLogsWithAndWithoutADuration) {
  const auto common = read(
      "1.2.3.4 - - [10/Oct/2026:13:55:36 -0700] \"GET / HTTP/1.1\" 200 123\n"
      "1.2.3.4 - - [10/Oct/2026:20:55:46 +0000] \"GET / HTTP/1.1\" 200 123 0.75\r\n");
  ASSERT_TRUE(common) << common.error().message();
  const auto& calls = common->services[0].calls;
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_DOUBLE_EQ(calls[1].at, 10);
  EXPECT_FLOAT_EQ(calls[0].takes, 0.2F);
  EXPECT_FLOAT_EQ(calls[1].takes, 0.75F);
  const auto combined = read(
      "::1 - u [10/Oct/2026:13:55:36 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl/8 9\"\n"
      "::1 - u [10/Oct/2026:13:55:37 +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl\" 0.125\n");
  ASSERT_TRUE(combined) << combined.error().message();
  EXPECT_FLOAT_EQ(combined->services[0].calls[0].takes, 0.2F);
  EXPECT_FLOAT_EQ(combined->services[0].calls[1].takes, 0.125F);
}

TEST(ReadTrace, TakesCloudLoggingEntries) {
  const auto trace =
      read(R"({"timestamp":"2026-11-01T00:00:00Z","httpRequest":{"latency":"0.25s"},)"
           R"("resource":{"labels":{"service_name":"qa"}}})"
           "\n"
           R"({"timestamp":"2026-11-01T00:00:02Z"})");
  ASSERT_TRUE(trace) << trace.error().message();
  ASSERT_EQ(trace->services.size(), 2U);
  EXPECT_EQ(trace->services[0].service, "qa");
  EXPECT_FLOAT_EQ(trace->services[0].calls[0].takes, 0.25F);
}

TEST(ReadTrace, FaultsNameTheLineAndWhatItShouldBe) {
  const struct {
    std::string_view text, says;
  } rows[] = {
      {"", "no call"},
      {"time\n", "no call"},
      {"when\n1\n", "t:1: column 'when'"},
      {"service\na\n", "t:1: there is no column 'time'"},
      {"time,service\n1\n", "t:2: 1 fields, the header has 2"},
      {"time\n1\nnoon\n", "t:3: time 'noon'"},
      {"time\nnan\n", "t:2: time 'nan'"},
      {"time,duration\n1,long\n", "t:2: duration 'long'"},
      {"time,duration\n1,-1\n", "t:2: a call of -1 s"},
      {"time,duration\n1,1e9\n", "t:2: a call of 1000000000 s"},
      {"time\n0\n1e9\n", "span"},
      {"time\n1e300\n-1e300\n", "span"},
      {"x [10/Okt/2026:13:55:36 +0000] y\n", "t:1: 'x [10/Okt"},
      {"{\"timestamp\":7}\n", "t:1: timestamp"},
      {"{\n", "t:1: "},
      {"{\"timestamp\":\"2026-11-01T00:00:00Z\",\"httpRequest\":{\"latency\":\"soon\"}}",
       "t:1: latency 'soon'"},
  };
  for (const auto& row : rows) {
    const auto trace = read(row.text);
    ASSERT_FALSE(trace) << row.text;
    EXPECT_THAT(trace.error().message(), HasSubstr(row.says)) << row.text;
  }
}

TEST(MakeTrace, IsTheSameForTheSameSeedAndKeepsItsRate) {
  for (const Pattern pattern :
       {Pattern::kSteady, Pattern::kDiurnal, Pattern::kBursty, Pattern::kSpiky}) {
    PatternOptions options;
    options.pattern = pattern;
    options.shortest_gap = options.longest_gap = 60;
    double calls = 0;
    for (uint32_t i = 0; i < 40; ++i) {
      const ServiceTrace one = make_trace(options, i);
      const ServiceTrace again = make_trace(options, i);
      ASSERT_EQ(one.calls.size(), again.calls.size());
      for (size_t k = 0; k < one.calls.size(); ++k) {
        EXPECT_EQ(one.calls[k].at, again.calls[k].at);
        EXPECT_LT(one.calls[k].at, options.span);
        EXPECT_LE(one.calls[k > 0 ? k - 1 : 0].at, one.calls[k].at);
      }
      calls += static_cast<double>(one.calls.size());
    }
    EXPECT_NEAR(calls / 40, 1440, 100) << static_cast<int>(pattern);
  }
}

}  // namespace
}  // namespace thaw::simulate
