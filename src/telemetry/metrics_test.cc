// Counters as Prometheus reads them, and the waterfalls of starts.
#include "telemetry/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "telemetry/starts.h"

namespace thaw::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
const ServiceId kDemo("demo");

TEST(Metrics, CountRequestsByClassAndLatencyByBucket) {
  Metrics metrics;
  metrics.know(kDemo);
  metrics.on_request(kDemo, {.status = 200, .latency = milliseconds(2)});
  metrics.on_request(kDemo, {.status = 204, .latency = seconds(2)});
  metrics.on_request(kDemo, {.status = 503, .latency = seconds(400)});
  metrics.on_request(kDemo, {.status = 0, .latency = Duration(0)});
  metrics.on_unrouted();
  const std::string text = metrics.render({});
  EXPECT_THAT(text,
              HasSubstr(R"(thaw_requests_total{service="demo",response_code_class="2xx"} 2)"));
  EXPECT_THAT(text,
              HasSubstr(R"(thaw_requests_total{service="demo",response_code_class="5xx"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(_request_duration_seconds_bucket{service="demo",le="0.001"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(_request_duration_seconds_bucket{service="demo",le="0.005"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(_request_duration_seconds_bucket{service="demo",le="300"} 3)"));
  EXPECT_THAT(text, HasSubstr(R"(_request_duration_seconds_bucket{service="demo",le="+Inf"} 4)"));
  EXPECT_THAT(text, HasSubstr(R"(_request_duration_seconds_count{service="demo"} 4)"));
  EXPECT_THAT(text, HasSubstr("thaw_unrouted_requests_total 1\n"));
  EXPECT_THAT(text, HasSubstr("thaw_bugs_total"));
}

TEST(Metrics, EachNameIsExplainedOnceAndEveryLineIsWellFormed) {
  Metrics metrics;
  metrics.know(kDemo);
  metrics.on_request(kDemo, {.status = 200, .latency = seconds(1)});
  metrics.know(ServiceId("another"));
  metrics.on_request(ServiceId("another"), {.status = 200, .latency = seconds(1)});
  metrics.on_start(kDemo, milliseconds(7));
  const std::string text = metrics.render({{"thaw_instances", "By state.", "{a=\"1\"}", 1},
                                           {"thaw_instances", "By state.", "{a=\"2\"}", 2}});
  size_t at = 0;
  std::vector<std::string> seen;
  while (at < text.size()) {
    const size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos) << "the last line has no end";
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("# TYPE ")) {
      EXPECT_THAT(seen, Not(::testing::Contains(line)));
      seen.push_back(line);
    } else if (!line.starts_with("#")) {
      EXPECT_THAT(line, ::testing::MatchesRegex("[a-z_]+(\\{[^}]*\\})? [0-9.e+-]+"));
    }
  }
  EXPECT_LT(text.find("service=\"another\""), text.find("service=\"demo\""));
}

TEST(Metrics, OfADeletedServiceAreGoneAndStayGone) {
  Metrics metrics;
  metrics.know(kDemo);
  metrics.on_request(kDemo, {.status = 200, .latency = seconds(1)});
  metrics.forget(kDemo);
  EXPECT_THAT(metrics.render({}), Not(HasSubstr("demo")));
  // What was under way ends.
  metrics.on_request(kDemo, {.status = 200, .latency = seconds(1), .refusal = "no_instance"});
  metrics.on_start(kDemo, seconds(1));
  metrics.on_wake(kDemo, "frozen", seconds(1));
  EXPECT_THAT(metrics.render({}), Not(HasSubstr("demo")));
  metrics.know(kDemo);  // deployed anew
  EXPECT_THAT(metrics.render({}), Not(HasSubstr("demo")));
  metrics.on_request(kDemo, {.status = 200, .latency = seconds(1)});
  EXPECT_THAT(metrics.render({}), HasSubstr(R"(duration_seconds_count{service="demo"} 1)"));
}

TEST(Metrics, AnotherRevisionGoesOnCounting) {
  Metrics metrics;
  metrics.know(kDemo);
  metrics.on_request(kDemo, {.status = 200, .latency = seconds(1)});
  metrics.know(kDemo);
  metrics.on_request(kDemo, {.status = 200, .latency = seconds(1)});
  EXPECT_THAT(metrics.render({}), HasSubstr(R"(duration_seconds_count{service="demo"} 2)"));
}

Start start_of(int number) {
  return {.instance = InstanceId("demo-" + std::to_string(number)),
          .service = kDemo,
          .queued = milliseconds(1)};
}

TEST(Starts, KeepTheLastTwentyAndReplaceTheSameInstance) {
  Starts starts;
  for (int i = 0; i < 30; ++i) starts.put(start_of(i));
  Start complete = start_of(29);
  complete.first_byte = milliseconds(5);
  starts.put(complete);
  const auto kept = starts.of(kDemo);
  ASSERT_EQ(kept.size(), 20u);
  EXPECT_EQ(kept.front().instance.str(), "demo-10");
  EXPECT_EQ(kept.back().first_byte, milliseconds(5));
  EXPECT_TRUE(starts.of(ServiceId("other")).empty());
  starts.remove(kDemo);
  EXPECT_TRUE(starts.of(kDemo).empty());
}

TEST(Starts, ShowOnlyThePhasesThatAreOver) {
  const Json json = to_json(start_of(1));
  EXPECT_EQ(json["queuedMs"].as_double(), 1);
  EXPECT_EQ(json.find("loadMs"), nullptr);
}

}  // namespace
}  // namespace thaw::telemetry
