// The corpus of abuse (tests/data/abuse): each case is sent to the gateway in front of an instance
// that counts, by the same strict rules, what reaches it. Whatever is refused is refused before it;
// nothing inside a body or behind a refused request becomes a request.
#include <gtest/gtest.h>

#include <fstream>

#include "base/json.h"
#include "gateway/gateway_testing.h"
#include "http/body.h"
#include "http/h2_testing.h"
#include "http/head.h"

namespace thaw::gateway {
namespace {

/// JSON's text has a character a byte.
std::string bytes_of(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x80) {
      out += text[i];
    } else {
      out += static_cast<char>((c & 0x1f) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3f));
    }
  }
  return out;
}

/// Pieces: text, or [character, how often].
std::string text_of(const Json& pieces) {
  std::string out;
  for (const Json& piece : pieces.as_array()) {
    if (piece.is_string()) {
      out += bytes_of(piece.as_string());
      continue;
    }
    const std::string character = bytes_of(piece.as_array()[0].as_string());
    for (int64_t i = piece.as_array()[1].as_int(); i > 0; --i) out += character;
  }
  return out;
}

std::vector<Json> cases_of(std::string_view file) {
  std::ifstream in(std::string(THAW_SOURCE_DIR) + "/tests/data/abuse/" + std::string(file));
  std::vector<Json> out;
  for (std::string line; std::getline(in, line);) {
    auto parsed = Json::parse(line);
    EXPECT_TRUE(parsed) << line;
    if (parsed) out.push_back(*std::move(parsed));
  }
  return out;
}

/// The statuses of the whole answers in `text`.
std::vector<int64_t> statuses_in(std::string_view text, bool to_head) {
  std::vector<int64_t> out;
  for (;;) {
    http::ResponseParser parser;
    if (parser.parse(text, to_head) != http::ParseState::kDone) return out;
    http::BodyReader body(parser.head().framing, parser.head().content_length);
    const int status = parser.head().status;
    text.remove_prefix(parser.length());
    for (auto step = body.next(text);; step = body.next(text)) {
      text.remove_prefix(step.consumed);
      if (step.state == http::BodyReader::State::kDone) break;
      if (step.state != http::BodyReader::State::kContent) return out;
    }
    if (status >= 200) out.push_back(status);
  }
}

class Abuse : public GatewayTest {
 protected:
  // What a case leaves open by mistake ends here, and is seen.
  Abuse() : GatewayTest({.head_timeout = milliseconds(50), .idle_timeout = milliseconds(500)}) {
    gateway->set_routes(RouteTable(
        "localhost", {{ServiceId("demo"),
                       "",
                       {{.revision = RevisionId("demo-1"), .timeout = milliseconds(500)}}}}));
    instance.on_bytes = [this](FakeInstance::Connection& c) { count(c); };
  }

  /// Takes whole requests off what came and answers each.
  void count(FakeInstance::Connection& c) {
    for (;;) {
      http::RequestParser parser;
      const auto state = parser.parse(c.text);
      if (state == http::ParseState::kBad) malformed.push_back(c.text);
      if (state != http::ParseState::kDone) return;
      const http::RequestHead& head = parser.head();
      http::BodyReader body(head.framing, head.content_length);
      std::string_view rest = std::string_view(c.text).substr(parser.length());
      for (auto step = body.next(rest);; step = body.next(rest)) {
        rest.remove_prefix(step.consumed);
        if (step.state == http::BodyReader::State::kDone) break;
        if (step.state == http::BodyReader::State::kMore) return;
        if (step.state == http::BodyReader::State::kBad) {
          malformed.push_back(c.text);
          return;
        }
      }
      reached.push_back(std::string(head.method) + " " + std::string(head.target));
      const bool is_head = head.method == "HEAD";
      c.text = std::string(rest);
      c.send(is_head ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" : instance.answer);
    }
  }

  /// Sends all that the gateway takes before it closes.
  void say(const Client& client, std::string_view bytes) {
    while (!bytes.empty() && client->error == 0 && !client->ended) {
      const io::Transfer t = io_linux::write_text(*client->stream, bytes);
      bytes.remove_prefix(t.bytes);
      if (t.state == io::Transfer::State::kBroken) return;
      loop.turn(milliseconds(0));
    }
  }

  std::vector<std::string> reached, malformed;
};

TEST_F(Abuse, OverHttp1NothingIsDesynchronized) {
  const auto cases = cases_of("http1.jsonl");
  EXPECT_GE(cases.size(), 150u);
  for (const Json& each : cases) {
    SCOPED_TRACE(each.string_or("name"));
    reached.clear();
    const std::string bytes = text_of(each["bytes"]);
    const bool to_head = bytes.starts_with("HEAD");
    const bool closes = each.bool_or("closes", true);
    const auto client = open();
    say(client, bytes);
    const auto is_closed = [&] { return client->ended || client->error != 0; };
    const auto answers = static_cast<size_t>(each.int_or("count", 1));
    until([&] {
      return is_closed() || (!closes && statuses_in(client->text, to_head).size() >= answers);
    });
    EXPECT_EQ(is_closed(), closes);
    std::vector<int64_t> statuses = statuses_in(client->text, to_head);
    std::vector<int64_t> expected;
    for (const Json& status : each["answers"].as_array()) expected.push_back(status.as_int());
    EXPECT_EQ(statuses, expected) << client->text;
    EXPECT_EQ(reached.size(), static_cast<size_t>(each.int_or("reaches", 0)));
    if (closes) continue;
    say(client, "GET /after HTTP/1.1\r\nHost: demo.localhost\r\nConnection: close\r\n\r\n");
    until(is_closed);
    EXPECT_TRUE(client->text.ends_with("\r\n\r\nok")) << "the next request is read as one";
    EXPECT_EQ(reached.back(), "GET /after");
  }
  for (const std::string& request : reached) EXPECT_EQ(request.find("/evil"), std::string::npos);
  EXPECT_TRUE(malformed.empty()) << malformed[0];
  turns();
  EXPECT_EQ(slots.held, 0);
}

/// [type, flags, stream, payload]: payload is text in pieces, or {"fields": [[name, value] ...]}.
std::string frame_of(const Json& frame) {
  const auto& parts = frame.as_array();
  std::string payload;
  if (parts[3].is_object()) {
    for (const Json& field : parts[3]["fields"].as_array()) {
      payload += http::h2_literal(bytes_of(field.as_array()[0].as_string()),
                                  bytes_of(field.as_array()[1].as_string()));
    }
  } else {
    payload = text_of(parts[3]);
  }
  return http::h2_frame(static_cast<http::H2Type>(parts[0].as_int()),
                        static_cast<int>(parts[1].as_int()),
                        static_cast<uint32_t>(parts[2].as_int()), payload);
}

/// What became of stream 1, or of the connection: "reset 1", "goaway 1", "answered".
std::string outcome(std::string_view text) {
  const auto number = [](std::string_view four) {
    uint32_t n = 0;
    for (const char c : four.substr(0, 4)) n = n << 8 | static_cast<unsigned char>(c);
    return std::to_string(n);
  };
  for (const http::H2Frame& f : http::h2_frames(text)) {
    if (f.type == http::H2Type::kGoaway) {
      return "goaway " + number(std::string_view(f.payload).substr(4));
    }
    if (f.type == http::H2Type::kReset && f.stream == 1) return "reset " + number(f.payload);
    const bool carries = f.type == http::H2Type::kData || f.type == http::H2Type::kHeaders;
    if (carries && f.stream == 1 && (f.flags & http::kEndStream) != 0) return "answered";
  }
  return "";
}

TEST_F(Abuse, OverHttp2NothingIsDesynchronized) {
  for (const Json& each : cases_of("http2.jsonl")) {
    SCOPED_TRACE(each.string_or("name"));
    reached.clear();
    const auto client = open(http::h2_hello());
    std::string bytes;
    for (const Json& frame : each["frames"].as_array()) {
      for (int64_t i = each.int_or("times", 1); i > 0; --i) bytes += frame_of(frame);
    }
    say(client, bytes);
    until([&] { return !outcome(client->text).empty() || client->ended || client->error != 0; });
    EXPECT_EQ(outcome(client->text), each.string_or("outcome"));
    EXPECT_EQ(reached.size(), static_cast<size_t>(each.int_or("reaches", 0)));
  }
  EXPECT_TRUE(malformed.empty()) << malformed[0];
}

}  // namespace
}  // namespace thaw::gateway
