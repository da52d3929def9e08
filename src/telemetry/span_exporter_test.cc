// Spans on their way to a collector: a server on this machine that answers as the test says.
#include "telemetry/span_exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/server.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/kernel_entropy.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"
#include "io_linux/thread_worker.h"

namespace thaw::telemetry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

RequestRecord record_of(std::string_view target, bool sampled = true) {
  return {.time = WallTime(seconds(1'800'000'000)),
          .latency = milliseconds(12),
          .status = 200,
          .span = 0xabc,
          .parent_span = 0xdef,
          .sampled = sampled,
          .service = "demo",
          .method = "GET",
          .host = "demo.localhost",
          .target = target,
          .protocol = "HTTP/1.1",
          .trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"};
}

std::string message_of(const RequestRecord& record, size_t spans) {
  RequestBatch batch;
  batch.add(record, {});
  const SpanMessage message = make_span_message(batch, {.name = "mine", .version = "1"});
  EXPECT_EQ(message.spans, spans);
  return message.bytes;
}

TEST(SpanMessage, ARequestThatWasRefusedIsTheGatewaysSpanAndItsQueue) {
  EXPECT_THAT(message_of(record_of("/a?secret=1"), 1), Not(HasSubstr("secret")));
  RequestRecord refused = record_of("/");
  refused.status = 429;
  refused.queued = milliseconds(10);
  EXPECT_THAT(message_of(refused, 2), HasSubstr("queue"));
}

TEST(SpanMessage, AnAnsweredOneHasItsInstanceAndWhatItWoke) {
  RequestRecord record = record_of("/");
  record.placed = milliseconds(1);
  record.answered = milliseconds(9);
  EXPECT_THAT(message_of(record, 2), HasSubstr("instance"));
  record.woken_from = "frozen";
  EXPECT_THAT(message_of(record, 3), HasSubstr("frozen"));
  record.queued = milliseconds(1);
  EXPECT_THAT(message_of(record, 4), HasSubstr("queue"));
}

TEST(SpanMessage, TextIsUtf8WhateverCame) {
  RequestRecord record = record_of("/\xff\xfe");
  record.user_agent = "\xe2\x82\xac";
  EXPECT_THAT(message_of(record, 1), testing::AllOf(HasSubstr("/??"), HasSubstr("\xe2\x82\xac")));
}

TEST(RejectedSpans, AreReadFromAPartialSuccess) {
  EXPECT_EQ(rejected_spans({"\x0a\x06\x08\x03\x12\x02no", 8}), 3u);
  EXPECT_EQ(rejected_spans({"\x0a\x04\x12\x02no", 6}), 0u);
  for (const std::string_view bad :
       {std::string_view(), std::string_view("\x0a"), std::string_view("\x0a\x7f\x08", 3),
        std::string_view("\xff"), std::string_view("{\"partialSuccess\":{}}")}) {
    EXPECT_EQ(rejected_spans(bad), 0u);
  }
}

class Exporting : public ::testing::Test {
 protected:
  void take(http::Request request, http::Responder responder) {
    got_.push_back(std::move(request));
    http::Response answer{200, {}, {}};
    if (!answers_.empty()) {
      answer = answers_.front();
      answers_.erase(answers_.begin());
    }
    responder.answer(std::move(answer));
  }
  SpanExporter make(SpanExporter::Options options) {
    options.to = *server_.listen({"127.0.0.1", 0});
    options.policy.delay = milliseconds(1);
    options.policy.first_wait = milliseconds(1);
    return {net_, loop_, worker_, entropy_, std::move(options)};
  }
  void until(const std::function<bool()>& done) { io_linux::run_until(loop_, done); }

  io_linux::EpollLoop loop_;
  io_linux::TcpNet net_{loop_};
  io_linux::KernelEntropy entropy_;
  io_linux::ThreadWorker worker_{loop_};
  http::Server server_{net_, loop_, {}, [this](http::Request request, http::Responder responder) {
                         take(std::move(request), std::move(responder));
                       }};
  std::vector<http::Request> got_;
  std::vector<http::Response> answers_;
};

TEST_F(Exporting, SendsSampledRequestsWithItsHeadersAndCountsThem) {
  SpanExporter exporter = make({.headers = {{"api-key", "k"}}});
  exporter.add(record_of("/one"));
  exporter.add(record_of("/unseen", false));
  exporter.add(record_of("/two"));
  until([&] { return exporter.counts().exported == 2; });
  ASSERT_EQ(got_.size(), 1u);
  EXPECT_EQ(got_[0].method, "POST");
  EXPECT_EQ(got_[0].path, "/v1/traces");
  EXPECT_EQ(got_[0].headers.get("content-type"), "application/x-protobuf");
  EXPECT_EQ(got_[0].headers.get("api-key"), "k");
  EXPECT_THAT(got_[0].body, HasSubstr("/one"));
  EXPECT_THAT(got_[0].body, HasSubstr("/two"));
  EXPECT_THAT(got_[0].body, Not(HasSubstr("/unseen")));
}

TEST_F(Exporting, ABusyCollectorGetsTheSameMessageAgain) {
  answers_ = {{503, {}, {}}, {429, {{"retry-after", "0"}}, {}}};
  SpanExporter exporter = make({});
  exporter.add(record_of("/one"));
  until([&] { return exporter.counts().exported == 1; });
  ASSERT_EQ(got_.size(), 3u);
  EXPECT_EQ(got_[0].body, got_[2].body);
  EXPECT_EQ(exporter.counts().rejected, 0u);
}

TEST_F(Exporting, WhatItRefusesOrHasNoRoomForIsCounted) {
  answers_ = {{400, {}, {}}, {200, {}, std::string("\x0a\x02\x08\x01", 4)}};
  SpanExporter exporter = make({.batch = {.records = 2, .text = 1 << 20}, .batches = 2});
  for (int i = 0; i < 7; ++i) exporter.add(record_of("/" + std::to_string(i)));
  // Two are being sent, two and two wait, the seventh found no room.
  until([&] { return got_.size() == 3 && exporter.counts().exported == 3; });
  EXPECT_EQ(exporter.counts().rejected, 3u) << "a refused message of two, and one of the next";
  EXPECT_EQ(exporter.counts().dropped, 1u);
}

TEST_F(Exporting, ACollectorThatIsNotThereIsTriedAgainAndGivenUp) {
  SpanExporter::Options options{.to = {"127.0.0.1", 1}};
  options.policy = {.delay = milliseconds(1), .first_wait = milliseconds(1), .attempts = 3};
  SpanExporter exporter(net_, loop_, worker_, entropy_, options);
  exporter.add(record_of("/one"));
  until([&] { return exporter.counts().rejected == 1; });
  EXPECT_EQ(exporter.counts().exported, 0u);
}

}  // namespace
}  // namespace thaw::telemetry
