// HTTP/2 clients that send their bodies and take their answers slowly.
#include <algorithm>

#include "http/h2_testing.h"
#include "http/server_testing.h"

namespace thaw::http {
namespace {

using io_linux::run_until;
using Answer = H2TestClient::Answer;

class H2SlowClients : public ServerTest {
 protected:
  std::unique_ptr<H2TestClient> client() {
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net.connect(address, [&](auto s) { stream = *std::move(s); });
    run_until(loop, [&] { return stream != nullptr; });
    return std::make_unique<H2TestClient>(loop, std::move(stream));
  }
};

TEST_F(H2SlowClients, TheBodiesOfOneConnectionCountTogether) {
  serve({.max_body = kib(64)});  // four of them together
  const auto one = client();
  std::vector<Answer*> bodies;
  for (int i = 0; i < 40; ++i) {
    bodies.push_back(&one->open("/slow"));
    one->send(*bodies.back(), std::string(15 << 10, 'b'));
  }
  const auto refused = [&] {
    return std::count_if(bodies.begin(), bodies.end(), [](const Answer* each) {
      return each->status == 503 && each->headers.get("retry-after") == "1";
    });
  };
  run_until(loop, [&] { return refused() >= 20; });
  turns();
  EXPECT_LE(refused(), 26) << "the rest is within the bound";
  for (Answer* each : bodies) {
    if (each->status == 0) one->finish(*each);
  }
  run_until(loop, [&] {
    return std::all_of(bodies.begin(), bodies.end(), [](const Answer* each) {
      return each->closed && (each->status == 503 || each->status == 200);
    });
  });
}

TEST_F(H2SlowClients, TheAnswersOfOneConnectionCountTogether) {
  handler = [](Request, Responder responder) {
    responder.answer({200, {}, std::string(1 << 20, 'a')});
  };
  serve({.max_unsent = mib(1)});
  const auto one = client();
  one->reads = false;
  std::vector<Answer*> answers;
  for (int i = 0; i < 8; ++i) answers.push_back(&one->get("/large"));
  const auto ended = [&] {
    return std::count_if(answers.begin(), answers.end(), [](const Answer* each) {
      return each->closed && each->error == H2Error::kCancel;
    });
  };
  run_until(loop, [&] { return ended() == 6; });
  turns();
  one->reads = true;
  for (Answer* each : answers) one->session.consume(each->id, each->body.size());
  one->flush();
  run_until(loop, [&] {
    return std::all_of(answers.begin(), answers.end(), [](const Answer* each) {
      return each->closed && (each->ended || each->error == H2Error::kCancel);
    });
  });
  EXPECT_EQ(ended(), 6);
  EXPECT_FALSE(one->ended);
}

TEST_F(H2SlowClients, WhatIsRefusedUnsentIsNotAskedFor) {
  serve();
  server->refuse_unsent([](const Request&, uint64_t length) -> std::optional<Response> {
    if (length < 10) return std::nullopt;
    return Response::text(429, "not now");
  });
  const auto one = client();
  const auto ask = [&](std::string_view length) -> Answer& {
    return one->request({{":method", "POST"},
                         {":scheme", "http"},
                         {":path", "/"},
                         {":authority", "x"},
                         {"content-length", length},
                         {"expect", "100-continue"}},
                        H2Session::End::kNo);
  };
  Answer& refused = ask("10");
  run_until(loop, [&] { return refused.closed; });
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.body, "not now");
  Answer& taken = ask("2");
  one->send(taken, "hi");
  one->finish(taken);
  run_until(loop, [&] { return taken.closed; });
  EXPECT_EQ(taken.body, "POST / hi");
  EXPECT_EQ(handled, 1);
}

TEST_F(H2SlowClients, AnAnswerTakenByAFewBytesAtATimeEnds) {
  handler = [](Request, Responder responder) {
    responder.answer({200, {}, std::string(1 << 20, 'a')});
  };
  serve({.body_timeout = milliseconds(100)});
  const std::string no_window = std::string("\0\4", 2) + be32(0);
  const auto raw = open(std::string(kH2Preface) + h2_frame(H2Type::kSettings, 0, 0, no_window) +
                        h2_frame(H2Type::kHeaders, kEndHeaders | kEndStream, 1, h2_get("/large")));
  size_t taken = 0;
  bool is_reset = false;
  Instant next = loop.now();
  run_until(loop, [&] {
    if (loop.now() >= next) {  // often, but not so that it is taken for a flood
      next = loop.now() + milliseconds(5);
      io_linux::write_text(*raw->stream, h2_frame(H2Type::kWindow, 0, 1, be32(10)));
    }
    taken = 0;
    for (const H2Frame& frame : h2_frames(raw->text)) {
      if (frame.type == H2Type::kData) taken += frame.payload.size();
      if (frame.type == H2Type::kReset && frame.stream == 1) is_reset = true;
    }
    return is_reset || raw->ended;
  });
  EXPECT_TRUE(is_reset);
  EXPECT_GT(taken, 0u);
  EXPECT_LT(taken, 64u << 10);
}

}  // namespace
}  // namespace thaw::http
