#include "http/head.h"

#include <gtest/gtest.h>

#include <string>

namespace thaw::http {
namespace {

const std::string kHost = "Host: demo.localhost\r\n";

/// 0 when it is taken, else the status of the refusal; parsed whole and byte by byte.
int refused(const std::string& text, HeadLimits limits = {}) {
  RequestParser whole(limits);
  const ParseState at_once = whole.parse(text);
  RequestParser slow(limits);
  ParseState bytewise = ParseState::kNeedMore;
  for (size_t n = 1; n <= text.size() && bytewise == ParseState::kNeedMore; ++n) {
    bytewise = slow.parse(std::string_view(text).substr(0, n));
  }
  EXPECT_EQ(at_once, bytewise) << text;
  if (at_once == ParseState::kNeedMore) return -1;
  if (at_once == ParseState::kDone) return 0;
  EXPECT_EQ(whole.fault().status, slow.fault().status) << text;
  return whole.fault().status;
}

int refused_header(const std::string& header) {
  return refused("POST / HTTP/1.1\r\n" + kHost + header + "\r\n\r\n");
}

TEST(RequestHead, IsTakenApart) {
  const std::string text =
      "\r\nPOST /a/b?c=d HTTP/1.1\r\nHost:demo.localhost\r\nX-A:  one two \t\r\nEmpty:\r\n"
      "Content-Length: 12\r\nConnection: Keep-Alive, Upgrade\r\nUpgrade: websocket\r\n\r\nnext";
  RequestParser parser;
  ASSERT_EQ(parser.parse(text), ParseState::kDone) << parser.fault().reason;
  const RequestHead& head = parser.head();
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/a/b?c=d");
  EXPECT_EQ(head.host, "demo.localhost");
  EXPECT_EQ(head.find("x-a")->value, "one two");
  EXPECT_EQ(head.find("Empty")->value, "");
  EXPECT_EQ(head.find("absent"), nullptr);
  EXPECT_EQ(head.framing, Framing::kLength);
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_EQ(head.upgrade, "websocket");
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(text.substr(parser.length()), "next");
}

TEST(RequestHead, IsTheSameForEveryWayOfArriving) {
  const std::string text = "GET / HTTP/1.1\r\n" + kHost + "A: b\r\n\r\n";
  EXPECT_EQ(refused(text), 0);
  RequestParser parser;
  for (int round = 0; round < 3; ++round) {
    for (size_t n = 0; n < text.size(); ++n) {
      ASSERT_EQ(parser.parse(std::string_view(text).substr(0, n)), ParseState::kNeedMore) << n;
    }
    ASSERT_EQ(parser.parse(text), ParseState::kDone);
    EXPECT_EQ(parser.head().headers.size(), 2u);
    parser.reset();
  }
}

TEST(RequestHead, SmugglingIsRefused) {
  EXPECT_EQ(refused_header("Content-Length: 1\r\nTransfer-Encoding: chunked"), 400);
  EXPECT_EQ(refused_header("Transfer-Encoding: chunked\r\nContent-Length: 1"), 400);
  EXPECT_EQ(refused_header("Content-Length: 1\r\nContent-Length: 2"), 400);
  EXPECT_EQ(refused_header("Content-Length: 1\r\nContent-Length: 1"), 400);
  EXPECT_EQ(refused_header("Content-Length: 1, 1"), 400);
  for (const char* bad : {"+1", "-1", "0x1", "1 1", "", "18446744073709551616", "1e3", "abc"}) {
    EXPECT_EQ(refused_header(std::string("Content-Length: ") + bad), 400) << bad;
  }
  EXPECT_EQ(refused_header("Content-Length : 1"), 400);
  EXPECT_EQ(refused_header("Host: other"), 400);
  EXPECT_EQ(refused_header("A: b\r\n c"), 400) << "folded";
  EXPECT_EQ(refused_header("A: b\r\n\tc"), 400) << "folded";
  EXPECT_EQ(refused_header(" A: b"), 400);
  EXPECT_EQ(refused_header("A: b\nB: c"), 400) << "bare LF";
  EXPECT_EQ(refused_header("A: b\rB: c"), 400) << "bare CR";
  EXPECT_EQ(refused_header(std::string("A: b\0c", 6)), 400) << "NUL";
  EXPECT_EQ(refused_header("A B: c"), 400);
  EXPECT_EQ(refused_header("A\x80: c"), 400);
  EXPECT_EQ(refused_header(": c"), 400);
  EXPECT_EQ(refused_header("no colon"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\n" + kHost + "\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.1\r\n" + kHost + "\n"), 400);
  EXPECT_EQ(refused("\n\nGET / HTTP/1.1\r\n" + kHost + "\r\n"), 400);
}

TEST(RequestHead, OnlyChunkedIsKnownAsTransferEncoding) {
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, chunked", "xchunked", "identity"}) {
    const int status = refused_header(std::string("Transfer-Encoding: ") + coding);
    EXPECT_TRUE(status == 400 || status == 501) << coding << " " << status;
  }
  EXPECT_EQ(refused_header("Transfer-Encoding: Chunked"), 0);
  EXPECT_EQ(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_NE(refused_header("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 0);
}

TEST(RequestHead, TheRequestLineIsChecked) {
  const auto line = [](const std::string& text) { return refused(text + "\r\n" + kHost + "\r\n"); };
  EXPECT_EQ(line("GET / HTTP/1.1"), 0);
  EXPECT_EQ(line("OPTIONS * HTTP/1.1"), 0);
  EXPECT_EQ(line("GET http://demo.localhost/x HTTP/1.1"), 0);
  EXPECT_EQ(line("FROB / HTTP/1.1"), 501);
  EXPECT_EQ(line("get / HTTP/1.1"), 501);
  EXPECT_EQ(line("GET / HTTP/1.2"), 505);
  EXPECT_EQ(line("GET / HTTP/2.0"), 505);
  EXPECT_EQ(line("PRI * HTTP/2.0"), 505);
  for (const char* bad : {"GET", "GET /", "GET / HTTP/1.1 x", "GET / a HTTP/1.1", " GET / HTTP/1.1",
                          "GET\t/ HTTP/1.1", "G@T / HTTP/1.1", "GET / HTTP/1", "GET / FTP/1.1",
                          "GET /\x01 HTTP/1.1", "x"}) {
    const int status = line(bad);
    EXPECT_TRUE(status == 400 || status == 505) << bad << " " << status;
  }
}

TEST(RequestHead, TheHostIsNeeded) {
  EXPECT_EQ(refused("GET / HTTP/1.1\r\nA: b\r\n\r\n"), 400);
  EXPECT_EQ(refused("GET / HTTP/1.0\r\n\r\n"), 0);
  for (const char* bad : {"a b", "a/b", "a@b", "a\tb", "a?b", "a#b", "<x>"}) {
    EXPECT_EQ(refused(std::string("GET / HTTP/1.1\r\nHost: ") + bad + "\r\n\r\n"), 400) << bad;
  }
  EXPECT_EQ(refused("GET http://user@demo/ HTTP/1.1\r\n" + kHost + "\r\n"), 400);
}

TEST(RequestHead, ThereAreLimits) {
  const HeadLimits limits{.bytes = 1000, .headers = 3, .target = 100};
  const std::string get = "GET / HTTP/1.1\r\n" + kHost;
  EXPECT_EQ(refused(get + "A: 1\r\nB: 2\r\n\r\n", limits), 0);
  EXPECT_EQ(refused(get + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits), 431);
  EXPECT_EQ(refused(get + "A: " + std::string(1000, 'a') + "\r\n\r\n", limits), 431);
  EXPECT_EQ(refused("GET /" + std::string(100, 'a') + " HTTP/1.1\r\n" + kHost + "\r\n", limits),
            414);
  EXPECT_EQ(refused("GET /" + std::string(900, 'a'), limits), 414);
  EXPECT_EQ(refused(get + "A: " + std::string(990, 'a'), limits), 431) << "without an end";
  std::string empty_lines;
  for (int i = 0; i < 10; ++i) empty_lines += "\r\n";
  EXPECT_EQ(refused(empty_lines), 400);
}

TEST(RequestHead, KeepAliveFollowsVersionAndConnection) {
  const auto keeps = [](const std::string& version, const std::string& connection) {
    RequestParser parser;
    const std::string header = connection.empty() ? "" : "Connection: " + connection + "\r\n";
    EXPECT_EQ(parser.parse("GET / HTTP/" + version + "\r\n" + kHost + header + "\r\n"),
              ParseState::kDone);
    return parser.head().keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "close"));
  EXPECT_FALSE(keeps("1.1", "x, CLOSE"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "keep-alive"));
  EXPECT_FALSE(keeps("1.0", "keep-alive, close"));
}

ResponseHead response(const std::string& text, bool to_head = false) {
  static ResponseParser parser;
  parser.reset();
  EXPECT_EQ(parser.parse(text, to_head), ParseState::kDone) << parser.fault().reason << text;
  return parser.head();
}

TEST(ResponseHead, SaysHowTheBodyEnds) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  EXPECT_EQ(response(ok + "Content-Length: 3\r\n\r\n").framing, Framing::kLength);
  EXPECT_EQ(response(ok + "Transfer-Encoding: chunked\r\n\r\n").framing, Framing::kChunked);
  EXPECT_EQ(response(ok + "\r\n").framing, Framing::kUntilClose);
  EXPECT_FALSE(response(ok + "\r\n").keep_alive);
  EXPECT_EQ(response(ok + "Content-Length: 3\r\n\r\n", true).framing, Framing::kNone);
  for (const char* status : {"204 No Content", "304 Not Modified", "100 Continue"}) {
    const auto head = response("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(head.framing, Framing::kNone) << status;
    EXPECT_TRUE(head.keep_alive);
  }
  EXPECT_EQ(response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n").reason, "");
  EXPECT_EQ(response("HTTP/1.0 404 Not There\r\n\r\n").reason, "Not There");
}

TEST(ResponseHead, NonsenseIsRefused) {
  for (const char* bad :
       {"\r\n\r\n\r\n\r\n\r\n\r\n", "hello\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    ResponseParser parser;
    EXPECT_EQ(parser.parse(bad, false), ParseState::kBad) << bad;
  }
}

}  // namespace
}  // namespace thaw::http
