// For tests of HTTP/2: frames made by hand, frames taken apart, and a client over any stream.
// Thread: the loop's.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/h2_session.h"
#include "http/send_queue.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::http {

enum class H2Type : uint8_t {
  kData,
  kHeaders,
  kPriority,
  kReset,
  kSettings,
  kPush,
  kPing,
  kGoaway,
  kWindow,
  kContinuation
};
inline constexpr uint8_t kEndStream = 1;
inline constexpr uint8_t kAck = 1;
inline constexpr uint8_t kEndHeaders = 4;

inline std::string be32(uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8),
          static_cast<char>(n)};
}

inline std::string h2_frame(H2Type type, int flags, uint32_t stream, std::string_view payload) {
  std::string out = be32(static_cast<uint32_t>(payload.size())).substr(1);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out + be32(stream) + std::string(payload);
}

/// A literal field that is not indexed (RFC 7541, 6.2.2); texts up to 16 KiB.
inline std::string h2_literal(std::string_view name, std::string_view value) {
  std::string out(1, '\0');
  for (const std::string_view text : {name, value}) {
    size_t size = text.size();
    if (size < 127) {
      out += static_cast<char>(size);
    } else {
      out += static_cast<char>(127);
      for (size -= 127; size >= 128; size /= 128) out += static_cast<char>(128 + size % 128);
      out += static_cast<char>(size);
    }
    out += text;
  }
  return out;
}

inline std::string h2_get(std::string_view path = "/", std::string_view method = "GET") {
  return h2_literal(":method", method) + h2_literal(":scheme", "http") + h2_literal(":path", path) +
         h2_literal(":authority", "x");
}

/// The preface and an empty SETTINGS.
inline std::string h2_hello() {
  return std::string(kH2Preface) + h2_frame(H2Type::kSettings, 0, 0, "");
}

struct H2Frame {
  H2Type type;
  int flags;
  uint32_t stream;
  std::string payload;
};

/// The whole frames that `bytes` begin with.
inline std::vector<H2Frame> h2_frames(std::string_view bytes) {
  std::vector<H2Frame> out;
  const auto number = [&](size_t at, size_t size) {
    uint32_t n = 0;
    for (size_t i = 0; i < size; ++i) n = n << 8 | static_cast<unsigned char>(bytes[at + i]);
    return n;
  };
  while (bytes.size() >= 9 && bytes.size() >= 9 + number(0, 3)) {
    const size_t size = number(0, 3);
    out.push_back({static_cast<H2Type>(bytes[3]), bytes[4], number(5, 4) & 0x7fffffff,
                   std::string(bytes.substr(9, size))});
    bytes.remove_prefix(9 + size);
  }
  return out;
}

/// A client: one H2Session on one stream, that keeps what it is told.
class H2TestClient final : public io::StreamEvents, public H2Events {
 public:
  struct Answer final : public H2StreamEvents {
    void on_response(const ResponseHead& head) override {
      status = head.status;
      for (const HeaderView& h : head.headers) {
        headers.add(std::string(h.name), std::string(h.value));
      }
    }
    void on_content(std::string_view content) override {
      body += content;
      if (owner->reads) owner->session.consume(id, content.size());
    }
    void on_end(Headers t) override {
      trailers = std::move(t);
      ended = true;
    }
    void on_sent() override {}
    void on_closed(H2Error e) override {
      closed = true;
      error = e;
    }

    H2TestClient* owner = nullptr;
    int32_t id = 0;
    int status = 0;
    Headers headers, trailers;
    std::string body;
    bool ended = false, closed = false;
    H2Error error = H2Error::kNone;
  };

  H2TestClient(io::Loop& l, std::unique_ptr<io::Stream> s)
      : loop(l), stream(std::move(s)), session(H2Session::Side::kClient, {}, *this, loop.now()) {
    stream->set_events(this);
  }

  Answer& request(std::vector<H2Field> fields, H2Session::End end) {
    auto& answer = *answers.emplace_back(std::make_unique<Answer>());
    answer.owner = this;
    answer.id = session.request(fields, end, answer);
    flush();
    return answer;
  }
  Answer& get(std::string_view path, std::string_view method = "GET") {
    return request({{":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "x"}},
                   H2Session::End::kYes);
  }
  Answer& open(std::string_view path) {
    return request({{":method", "POST"}, {":scheme", "http"}, {":path", path}, {":authority", "x"}},
                   H2Session::End::kNo);
  }
  void send(Answer& to, std::string_view content) {
    session.send(to.id, content);
    flush();
  }
  void finish(Answer& to, const Headers& trailers = {}) {
    session.finish(to.id, trailers);
    flush();
  }
  void flush() {
    while (stream != nullptr) {
      if (out.empty()) session.collect(out.buffer(), 64 << 10);
      if (out.empty() || out.flush(*stream) != SendQueue::State::kEmpty) return;
    }
  }

  void on_readable() override {
    char buffer[16 << 10];
    while (stream != nullptr) {
      const io::Transfer moved = stream->read(buffer);
      if (moved.state == io::Transfer::State::kWouldBlock) break;
      if (moved.state != io::Transfer::State::kMoved) {
        ended = true;
        stream.reset();
        return;
      }
      session.receive({buffer, moved.bytes}, loop.now());
    }
    flush();
  }
  void on_writable() override { flush(); }
  H2StreamEvents* on_request(int32_t, const RequestHead&) override { return nullptr; }
  H2StreamEvents* on_bad_request(int32_t, const HeadFault&) override { return nullptr; }
  void on_goaway() override { ++goaways; }

  io::Loop& loop;
  std::unique_ptr<io::Stream> stream;
  SendQueue out;
  H2Session session;
  std::vector<std::unique_ptr<Answer>> answers;
  bool reads = true;  // gives window back
  bool ended = false;
  int goaways = 0;
};

}  // namespace thaw::http
