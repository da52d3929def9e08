// What an HTTP/2 client may do to a server, frame by frame: each ends the stream or the connection
// with the reason that RFC 9113 names, and costs no request but its own.
#include <gtest/gtest.h>

#include <optional>

#include "http/h2_testing.h"
#include "http/server.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"

namespace thaw::http {
namespace {

constexpr uint32_t kProtocolError = 1;
constexpr uint32_t kFlowControlError = 3;
constexpr uint32_t kStreamClosed = 5;
constexpr uint32_t kFrameSizeError = 6;
constexpr uint32_t kRefusedStream = 7;
constexpr uint32_t kCancel = 8;
constexpr uint32_t kCompressionError = 9;
constexpr uint32_t kCalm = 11;

class H2Abuse : public testing::Test {
 protected:
  void serve(Server::Options options = {}) {
    server = std::make_unique<Server>(net, loop, options, [this](Request, Responder responder) {
      ++handled;
      if (holds) return held.push_back(std::move(responder));
      responder.answer(Response::text(200, "ok"));
    });
    const auto address = *server->listen({"127.0.0.1", 0});
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net.connect(address, [&](auto s) { stream = *std::move(s); });
    until([&] { return stream != nullptr; });
    raw = std::make_unique<io_linux::Collector>(std::move(stream));
    say(h2_hello());
  }
  void until(const std::function<bool()>& done) { io_linux::run_until(loop, done); }
  /// Sends all of `bytes`, unless the server closes before.
  void say(std::string_view bytes) {
    while (!bytes.empty() && raw->error == 0 && !raw->ended) {
      const io::Transfer t = io_linux::write_text(*raw->stream, bytes);
      bytes.remove_prefix(t.bytes);
      if (t.state == io::Transfer::State::kBroken) return;
      loop.turn(milliseconds(0));
    }
  }
  void say(H2Type type, int flags, uint32_t stream, std::string_view payload) {
    say(h2_frame(type, flags, stream, payload));
  }
  void get(uint32_t stream) { say(H2Type::kHeaders, kEndHeaders | kEndStream, stream, h2_get()); }
  static uint32_t number(std::string_view four) {
    uint32_t n = 0;
    for (const char c : four.substr(0, 4)) n = n << 8 | static_cast<unsigned char>(c);
    return n;
  }
  /// The error of the connection's GOAWAY, when it came.
  std::optional<uint32_t> goaway() {
    for (const H2Frame& f : h2_frames(raw->text)) {
      if (f.type == H2Type::kGoaway) return number(std::string_view(f.payload).substr(4));
    }
    return std::nullopt;
  }
  std::optional<uint32_t> reset(uint32_t stream) {
    for (const H2Frame& f : h2_frames(raw->text)) {
      if (f.type == H2Type::kReset && f.stream == stream) return number(f.payload);
    }
    return std::nullopt;
  }
  bool answered(uint32_t stream) {
    for (const H2Frame& f : h2_frames(raw->text)) {
      if (f.stream == stream && (f.flags & kEndStream) != 0 &&
          (f.type == H2Type::kData || f.type == H2Type::kHeaders)) {
        return true;
      }
    }
    return false;
  }
  uint32_t until_goaway() {
    until([&] { return raw->ended || raw->error != 0; });
    return goaway().value_or(999);
  }
  uint32_t until_reset(uint32_t stream) {
    until([&] { return reset(stream).has_value() || raw->ended || raw->error != 0; });
    return reset(stream).value_or(999);
  }
  /// The connection still serves.
  void expect_alive(uint32_t stream) {
    get(stream);
    until([&] { return answered(stream) || raw->ended || raw->error != 0; });
    EXPECT_TRUE(answered(stream));
  }

  io_linux::EpollLoop loop;
  io_linux::TcpNet net{loop};
  int handled = 0;
  bool holds = false;
  std::vector<Responder> held;
  std::unique_ptr<Server> server;
  std::unique_ptr<io_linux::Collector> raw;
};

// ---- Floods -------------------------------------------------------------------------------------

TEST_F(H2Abuse, RapidResetEndsTheConnection) {
  holds = true;
  serve();
  std::string flood;
  for (uint32_t i = 0; i < 2000; ++i) {
    flood += h2_frame(H2Type::kHeaders, kEndHeaders | kEndStream, 1 + 2 * i, h2_get());
    flood += h2_frame(H2Type::kReset, 0, 1 + 2 * i, be32(8));
  }
  say(flood);
  EXPECT_EQ(until_goaway(), kCalm);
  EXPECT_LT(handled, 600);
  for (const Responder& responder : held) EXPECT_TRUE(responder.is_gone());
}

TEST_F(H2Abuse, ResetsThatAClientProvokesCountToo) {
  serve();
  std::string flood;
  for (uint32_t i = 0; i < 2000; ++i) {
    flood += h2_frame(H2Type::kHeaders, kEndHeaders, 1 + 2 * i, h2_get());
    flood += h2_frame(H2Type::kWindow, 0, 1 + 2 * i, be32(0x7fffffff));  // the stream's fault
  }
  say(flood);
  EXPECT_EQ(until_goaway(), kCalm);
}

TEST_F(H2Abuse, SomeCancelledRequestsAreFine) {
  holds = true;
  serve();
  for (uint32_t i = 0; i < 200; ++i) {
    get(1 + 2 * i);
    say(H2Type::kReset, 0, 1 + 2 * i, be32(8));
  }
  holds = false;
  expect_alive(1001);
}

TEST_F(H2Abuse, AContinuationFloodEndsTheConnection) {
  serve();
  std::string flood = h2_frame(H2Type::kHeaders, 0, 1, h2_get());
  for (int i = 0; i < 1000; ++i) flood += h2_frame(H2Type::kContinuation, 0, 1, "");
  say(flood);
  EXPECT_EQ(until_goaway(), kProtocolError);
  EXPECT_EQ(handled, 0);
}

TEST_F(H2Abuse, APingFloodEndsTheConnection) {
  serve();
  std::string flood;
  for (int i = 0; i < 5000; ++i) flood += h2_frame(H2Type::kPing, 0, 0, "12345678");
  say(flood);
  EXPECT_EQ(until_goaway(), kCalm);
}

TEST_F(H2Abuse, ASettingsFloodEndsTheConnection) {
  serve();
  std::string flood;
  for (int i = 0; i < 5000; ++i) flood += h2_frame(H2Type::kSettings, 0, 0, "");
  say(flood);
  EXPECT_EQ(until_goaway(), kCalm);
}

TEST_F(H2Abuse, TooManySettingsInOneFrameEndTheConnection) {
  serve();
  std::string settings;
  for (int i = 0; i < 2000; ++i) settings += std::string("\0\3\0\0\0\x64", 6);
  say(H2Type::kSettings, 0, 0, settings);
  EXPECT_NE(until_goaway(), 0u);
}

TEST_F(H2Abuse, AFloodOfEmptyDataEndsTheConnection) {
  holds = true;
  serve();
  std::string flood = h2_frame(H2Type::kHeaders, kEndHeaders, 1, h2_get("/", "POST"));
  for (int i = 0; i < 5000; ++i) flood += h2_frame(H2Type::kData, 0, 1, "");
  say(flood);
  EXPECT_EQ(until_goaway(), kCalm);
}

TEST_F(H2Abuse, AFloodOfPaddingAloneEndsTheConnection) {
  holds = true;
  serve();
  constexpr int kPadded = 8;
  const std::string padding = std::string(1, '\3') + std::string(3, '\0');
  std::string flood = h2_frame(H2Type::kHeaders, kEndHeaders, 1, h2_get("/", "POST"));
  for (int i = 0; i < 5000; ++i) flood += h2_frame(H2Type::kData, kPadded, 1, padding);
  say(flood);
  EXPECT_EQ(until_goaway(), kCalm);
}

TEST_F(H2Abuse, AWindowUpdateFloodEndsTheConnection) {
  serve();
  std::string flood;
  for (int i = 0; i < 5000; ++i) flood += h2_frame(H2Type::kWindow, 0, 0, be32(1));
  say(flood);
  EXPECT_EQ(until_goaway(), kCalm);
}

TEST_F(H2Abuse, APriorityFloodEndsTheConnection) {
  serve();
  std::string flood;
  for (uint32_t i = 0; i < 5000; ++i) {
    flood += h2_frame(H2Type::kPriority, 0, 1 + 2 * i, be32(0) + "\x10");
  }
  say(flood);
  EXPECT_EQ(until_goaway(), kCalm);
}

TEST_F(H2Abuse, UnknownFramesAreSkipped) {
  serve();
  std::string flood;
  for (int i = 0; i < 5000; ++i) flood += h2_frame(static_cast<H2Type>(0x42), 0, 0, "skipped");
  say(flood);
  expect_alive(1);
}

TEST_F(H2Abuse, PingsOfABusyClientAreFine) {
  serve();
  for (uint32_t i = 0; i < 1500; ++i) {
    say(h2_frame(H2Type::kHeaders, kEndHeaders | kEndStream, 1 + 2 * i, h2_get()) +
        h2_frame(H2Type::kPing, 0, 0, "12345678") + h2_frame(H2Type::kWindow, 0, 0, be32(100)));
  }
  until([&] { return answered(2999) || raw->ended; });
  EXPECT_EQ(handled, 1500);
  EXPECT_FALSE(goaway().has_value());
}

TEST_F(H2Abuse, AnswersThatNobodyReadsStopTheReading) {
  serve();
  raw->stream->set_events(nullptr);
  std::string pings;
  for (int i = 0; i < 100; ++i) pings += h2_frame(H2Type::kPing, 0, 0, "12345678");
  for (uint32_t i = 0; i < 400; ++i) {
    const std::string bytes =
        h2_frame(H2Type::kHeaders, kEndHeaders | kEndStream, 1 + 2 * i, h2_get()) + pings;
    if (io_linux::write_text(*raw->stream, bytes).state != io::Transfer::State::kMoved) break;
    loop.turn(milliseconds(0));
  }
  raw->stream->set_events(raw.get());
  EXPECT_EQ(until_goaway(), kCalm) << "1000 acknowledgements may wait, not more";
}

// ---- Windows ------------------------------------------------------------------------------------

TEST_F(H2Abuse, AClientThatNeverOpensItsWindowIsGivenUp) {
  holds = true;
  serve({.body_timeout = milliseconds(20)});
  say(H2Type::kSettings, 0, 0, std::string("\0\4\0\0\0\0", 6));  // INITIAL_WINDOW_SIZE 0
  get(1);
  until([&] { return held.size() == 1; });
  held[0].answer(Response::text(200, "stuck"));
  EXPECT_EQ(until_reset(1), kCancel);
  holds = false;
}

TEST_F(H2Abuse, AWindowThatOverflowsEndsTheConnection) {
  serve();
  say(H2Type::kWindow, 0, 0, be32(0x7fffffff));
  EXPECT_EQ(until_goaway(), kFlowControlError);
}

TEST_F(H2Abuse, AStreamsWindowThatOverflowsEndsTheStream) {
  holds = true;
  serve();
  get(1);
  say(H2Type::kWindow, 0, 1, be32(0x7fffffff));
  EXPECT_EQ(until_reset(1), kFlowControlError);
  holds = false;
  expect_alive(3);
}

TEST_F(H2Abuse, AnInitialWindowThatOverflowsEndsTheConnection) {
  serve();
  say(H2Type::kSettings, 0, 0, std::string("\0\4\xff\xff\xff\xff", 6));
  EXPECT_EQ(until_goaway(), kFlowControlError);
}

TEST_F(H2Abuse, MoreContentThanTheWindowIsAnError) {
  holds = true;
  serve({.max_body = mib(8)});
  server->stream_bodies([](const Request&) { return true; },
                        [&](Request, BodyStream body, Responder responder) {
                          held.push_back(std::move(responder));
                          static_cast<void>(body);
                        });
  say(H2Type::kHeaders, kEndHeaders, 1, h2_get("/", "POST"));
  for (int i = 0; i < 10; ++i) say(H2Type::kData, 0, 1, std::string(16'384, 'x'));
  until([&] { return goaway().has_value() || reset(1).has_value(); });
  EXPECT_EQ(goaway() ? *goaway() : *reset(1), kFlowControlError);
}

// ---- Limits -------------------------------------------------------------------------------------

TEST_F(H2Abuse, StreamsOverTheLimitAreRefusedAndMayBeTriedAgain) {
  holds = true;
  serve({.max_streams = 10});
  for (uint32_t i = 0; i < 11; ++i) get(1 + 2 * i);
  EXPECT_EQ(until_reset(21), kRefusedStream);
  EXPECT_EQ(held.size(), 10u);
  held.clear();
  holds = false;
  expect_alive(23);
}

TEST_F(H2Abuse, AClientThatKnowsTheLimitAndBreaksItIsEnded) {
  holds = true;
  serve({.max_streams = 10});
  until([&] { return !raw->text.empty(); });
  say(H2Type::kSettings, kAck, 0, "");
  for (uint32_t i = 0; i < 11; ++i) get(1 + 2 * i);
  EXPECT_EQ(until_goaway(), kProtocolError);
  EXPECT_EQ(held.size(), 10u);
}

TEST_F(H2Abuse, AHugeHeadIsAnswered431) {
  serve({.head = {.bytes = 4000, .headers = 20}});
  say(H2Type::kHeaders, kEndHeaders | kEndStream, 1,
      h2_get() + h2_literal("a", std::string(5000, 'x')));
  until([&] { return answered(1) || raw->ended; });
  EXPECT_EQ(handled, 0);
  expect_alive(3);
}

TEST_F(H2Abuse, AHeaderBombOfReferencesIsAnswered431) {
  serve();
  // One large field goes into the table; then each byte stands for all of it.
  std::string field = h2_literal("bomb", std::string(3000, 'b'));
  field[0] = 0x40;  // literal with indexing
  say(H2Type::kHeaders, kEndHeaders | kEndStream, 1,
      h2_get() + field + std::string(10'000, '\xbe'));
  until([&] { return answered(1) || raw->ended; });
  EXPECT_EQ(handled, 0);
  expect_alive(3);
}

TEST_F(H2Abuse, AHeadThatNeverEndsTimesOut) {
  serve({.head_timeout = milliseconds(20)});
  say(H2Type::kHeaders, kEndStream, 1, h2_get());
  EXPECT_EQ(until_goaway(), kCalm);
  EXPECT_EQ(handled, 0);
}

TEST_F(H2Abuse, ABodyThatNeverEndsTimesOut) {
  serve({.body_timeout = milliseconds(20)});
  say(H2Type::kHeaders, kEndHeaders, 1, h2_get("/", "POST"));
  say(H2Type::kData, 0, 1, "some");
  until([&] { return answered(1) || raw->ended; });
  EXPECT_EQ(handled, 0);
  EXPECT_NE(raw->text.find("the request did not arrive in time"), std::string::npos);
}

TEST_F(H2Abuse, AnIdleConnectionIsEndedPolitely) {
  serve({.idle_timeout = milliseconds(20)});
  EXPECT_EQ(until_goaway(), 0u);
}

TEST_F(H2Abuse, PingsDoNotKeepAnIdleConnection) {
  serve({.idle_timeout = milliseconds(20)});
  Instant next = loop.now();
  while (!raw->ended && raw->error == 0) {
    if (loop.now() >= next) {  // too few for a flood
      say(H2Type::kPing, 0, 0, "12345678");
      next = loop.now() + milliseconds(1);
    }
    loop.turn(milliseconds(1));
  }
  EXPECT_EQ(goaway(), 0u);
}

// ---- Malformed ----------------------------------------------------------------------------------

struct Malformed {
  const char* name;
  std::string frames;
  uint32_t goaway;  // 0: reset instead
  uint32_t reset;
};

std::string head(const std::string& fields, int flags = kEndHeaders | kEndStream) {
  return h2_frame(H2Type::kHeaders, flags, 1, fields);
}

std::vector<Malformed> malformed() {
  const std::string get = h2_get();
  const std::string no_path =
      h2_literal(":method", "GET") + h2_literal(":scheme", "http") + h2_literal(":authority", "x");
  const auto with = [&](std::string_view name, std::string_view value) {
    return head(get + h2_literal(name, value));
  };
  return {
      {"a frame over the limit", h2_frame(H2Type::kData, 0, 1, std::string(16'385, 'x')),
       kFrameSizeError, 0},
      {"data on a stream that was never opened", h2_frame(H2Type::kData, 0, 1, "x"), kProtocolError,
       0},
      {"data on the connection", h2_frame(H2Type::kData, 0, 0, "x"), kProtocolError, 0},
      {"a head on the connection", h2_frame(H2Type::kHeaders, kEndHeaders, 0, get), kProtocolError,
       0},
      {"a head on an even stream", h2_frame(H2Type::kHeaders, kEndHeaders, 2, get), kProtocolError,
       0},
      {"a ping of four bytes", h2_frame(H2Type::kPing, 0, 0, "1234"), kFrameSizeError, 0},
      {"a ping on a stream", h2_frame(H2Type::kPing, 0, 1, "12345678"), kProtocolError, 0},
      {"settings on a stream", h2_frame(H2Type::kSettings, 0, 1, ""), kProtocolError, 0},
      {"settings of five bytes", h2_frame(H2Type::kSettings, 0, 0, "12345"), kFrameSizeError, 0},
      {"an acknowledgement with settings",
       h2_frame(H2Type::kSettings, kAck, 0, std::string("\0\3\0\0\0\1", 6)), kFrameSizeError, 0},
      {"a push promise from a client", h2_frame(H2Type::kPush, kEndHeaders, 1, be32(2) + get),
       kProtocolError, 0},
      {"a continuation of nothing", h2_frame(H2Type::kContinuation, kEndHeaders, 1, get),
       kProtocolError, 0},
      {"another frame inside a head", head(get, 0) + h2_frame(H2Type::kPing, 0, 0, "12345678"),
       kProtocolError, 0},
      {"a continuation of another stream",
       head(get, 0) + h2_frame(H2Type::kContinuation, kEndHeaders, 3, ""), kProtocolError, 0},
      {"an increment of zero", h2_frame(H2Type::kWindow, 0, 0, be32(0)), kProtocolError, 0},
      {"a reset of the connection", h2_frame(H2Type::kReset, 0, 0, be32(8)), kProtocolError, 0},
      {"a reset of a stream that was never opened", h2_frame(H2Type::kReset, 0, 7, be32(8)),
       kProtocolError, 0},
      {"padding longer than its frame",
       h2_frame(H2Type::kHeaders, kEndHeaders | 8, 1, "\xff" + get), kProtocolError, 0},
      {"a header block that is none", head("\x80"), kCompressionError, 0},
      {"an index that is not there", head("\xff\xff\x7f"), kCompressionError, 0},
      {"a table larger than allowed", head("\x3f\xff\xff\x7f" + get), kCompressionError, 0},
      {"data after the end", head(get) + h2_frame(H2Type::kData, 0, 1, "x"), kStreamClosed, 0},
      {"no path", head(no_path), 0, kProtocolError},
      {"an empty path", head(no_path + h2_literal(":path", "")), 0, kProtocolError},
      {"two paths", head(get + h2_literal(":path", "/")), 0, kProtocolError},
      {"no method", head(h2_literal(":scheme", "http") + h2_literal(":path", "/")), 0,
       kProtocolError},
      {"an unknown pseudo-header", head(get + h2_literal(":evil", "1")), 0, kProtocolError},
      {"a status in a request", head(get + h2_literal(":status", "200")), 0, kProtocolError},
      {"a pseudo-header behind a header", head(h2_literal("a", "b") + get), 0, kProtocolError},
      {"a name in upper case", with("Upper", "x"), 0, kProtocolError},
      {"a name with a blank", with("a b", "x"), 0, kProtocolError},
      {"a name with a colon", with("a:b", "x"), 0, kProtocolError},
      {"a name with a line end", with("a\r\nb", "x"), 0, kProtocolError},
      {"an empty name", with("", "x"), 0, kProtocolError},
      {"a value with a line end", with("a", "b\r\nc: d"), 0, kProtocolError},
      {"a value with a NUL", with("a", std::string_view("b\0c", 3)), 0, kProtocolError},
      {"connection", with("connection", "close"), 0, kProtocolError},
      {"transfer-encoding", with("transfer-encoding", "chunked"), 0, kProtocolError},
      {"upgrade", with("upgrade", "websocket"), 0, kProtocolError},
      {"keep-alive", with("keep-alive", "5"), 0, kProtocolError},
      {"te that is not trailers", with("te", "gzip"), 0, kProtocolError},
      {"a length without a body", with("content-length", "3"), 0, kProtocolError},
      {"a length that is no number", with("content-length", "3x"), 0, kProtocolError},
      {"two lengths",
       head(get + h2_literal("content-length", "0") + h2_literal("content-length", "0")), 0,
       kProtocolError},
      {"more content than its length",
       head(get + h2_literal("content-length", "2"), kEndHeaders) +
           h2_frame(H2Type::kData, kEndStream, 1, "abc"),
       0, kProtocolError},
      {"less content than its length",
       head(get + h2_literal("content-length", "4"), kEndHeaders) +
           h2_frame(H2Type::kData, kEndStream, 1, "abc"),
       0, kProtocolError},
      {"a path with a blank", head(no_path + h2_literal(":path", "/a b")), 0, kProtocolError},
      {"a path with a line end",
       head(no_path + h2_literal(":path", "/ HTTP/1.1\r\nHost: evil\r\n\r\n")), 0, kProtocolError},
      {"a method with a blank", head(h2_get("/", "GET /evil HTTP/1.1")), 0, kProtocolError},
      {"a pseudo-header in trailers", head(get, kEndHeaders) + head(h2_literal(":path", "/evil")),
       0, kProtocolError},
      {"trailers that do not end the stream",
       head(get, kEndHeaders) + head(h2_literal("a", "b"), kEndHeaders), 0, kProtocolError},
      {"a stream that depends on itself",
       h2_frame(H2Type::kHeaders, kEndHeaders | kEndStream | 0x20, 1, be32(1) + "\x10" + get),
       kProtocolError, 0},
  };
}

TEST_F(H2Abuse, MalformedFramesEndWhatTheyBelongTo) {
  for (const Malformed& c : malformed()) {
    SCOPED_TRACE(c.name);
    handled = 0;
    serve();
    say(c.frames);
    if (c.goaway != 0) {
      EXPECT_EQ(until_goaway(), c.goaway);
    } else {
      EXPECT_EQ(until_reset(1), c.reset);
      EXPECT_EQ(handled, 0);
      expect_alive(3);
    }
  }
}

TEST_F(H2Abuse, WhatIsWellFormedButRefusedIsAnswered) {
  const std::string start =
      h2_literal(":method", "GET") + h2_literal(":scheme", "http") + h2_literal(":path", "/");
  for (const std::string& fields :
       {start + h2_literal(":authority", "a") + h2_literal("host", "b"), start,
        start + h2_literal(":authority", "user@x"), h2_get("/") + h2_literal("expect", "x"),
        h2_literal(":method", "GET") + h2_literal(":scheme", "http") + h2_literal(":path", "*") +
            h2_literal(":authority", "x")}) {
    handled = 0;
    serve();
    say(head(fields));
    until([&] { return answered(1) || reset(1) || raw->ended; });
    EXPECT_EQ(handled, 0);
    expect_alive(3);
  }
}

TEST_F(H2Abuse, APrefaceThatGoesWrongIsClosed) {
  serve();
  std::unique_ptr<io::Stream> stream;
  const auto connecting = net.connect(raw->stream->peer(), [&](auto s) { stream = *std::move(s); });
  until([&] { return stream != nullptr; });
  io_linux::Collector other(std::move(stream));
  io_linux::write_text(*other.stream, "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
  until([&] { return other.ended || other.error != 0; });
  EXPECT_EQ(handled, 0);
}

}  // namespace
}  // namespace thaw::http
