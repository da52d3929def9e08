#include "gateway/h2_client.h"

#include <fmt/format.h>

#include <utility>

#include "gateway/client_connection.h"
#include "http/text.h"

namespace thaw::gateway {
namespace {

using http::HeaderId;

constexpr Duration kLeaveTime = seconds(2);

bool belongs_to_connection(HeaderId id) {
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kHost:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return true;
    default:
      return false;
  }
}

/// Takes what comes on a stream that is answered already.
class Nobody final : public http::H2StreamEvents {
 public:
  void on_content(std::string_view) override {}
  void on_end(http::Headers) override {}
  void on_sent() override {}
  void on_closed(http::H2Error) override {}
};
Nobody nobody;

/// One request: read as HTTP/1.1, answered in HTTP/1.1.
class H2ClientStream final : public H2Bridge {
 public:
  H2ClientStream(H2Link& link, int32_t stream, const http::RequestHead& head, Duration send_timeout)
      : H2Bridge(link), send_timeout_(send_timeout), to_head_(head.method == "HEAD") {
    in_chunked_ = head.framing == http::Framing::kChunked;
    in_ = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", head.method, head.target, head.host);
    for (const http::HeaderView& header : head.headers) {
      const bool is_settings = http::equals_ignoring_case(header.name, "http2-settings");
      if (belongs_to_connection(header.id) || is_settings) continue;
      in_ += header.name;
      in_ += ": ";
      in_ += header.value;
      in_ += "\r\n";
    }
    in_ += in_chunked_ ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n";
    cuts_ = true;
    opened(stream);
  }

  void on_sent() override {
    H2Bridge::on_sent();
    if (done_) look_whether_sent();
  }

 private:
  Taken take_head(std::string_view text, size_t& length) override {
    switch (parser_.parse(text, to_head_)) {
      case http::ParseState::kNeedMore:
        return Taken::kMore;
      case http::ParseState::kBad:
        return Taken::kBad;
      case http::ParseState::kDone:
        break;
    }
    const http::ResponseHead& head = parser_.head();
    length = parser_.length();
    if (head.status < 200) {
      if (head.status == 100) link_->session().say_continue(id_);
      parser_.reset();
      return Taken::kInterim;
    }
    out_body_ = http::BodyReader(head.framing, head.content_length);
    const std::string status = fmt::format_int(head.status).str();
    std::vector<http::H2Field> fields{{":status", status}};
    const bool is_empty = out_body_.is_done();
    for (const http::HeaderView& header : head.headers) {
      // The end of an empty answer is seen at its head; gRPC wants no length there.
      const bool is_said = header.id == HeaderId::kContentLength && is_empty && !to_head_;
      if (!belongs_to_connection(header.id) && !is_said) {
        fields.push_back({header.name, header.value});
      }
    }
    using End = http::H2Session::End;
    link_->session().respond(id_, fields, is_empty ? End::kYes : End::kNo);
    done_ = is_empty;
    return Taken::kFinal;
  }

  bool is_whole() const override { return done_; }

  void all_written() override {
    stuck_ = link_->loop().after(send_timeout_, [this] {
      if (link_ == nullptr) return;
      link_->session().reset(id_, http::H2Error::kCancel);
      link_->schedule();
    });
    look_whether_sent();
  }

  /// Its user may go when the last byte is on its way.
  void look_whether_sent() {
    if (link_ == nullptr || link_->session().unsent(id_) > 0) return;
    read_ended_ = true;
    announce();
  }

  Duration send_timeout_;
  bool to_head_;
  http::ResponseParser parser_{{.bytes = 1 << 20, .headers = 400}};
  io::Timer stuck_;
};

}  // namespace

H2Client::H2Client(GatewayCore& core, std::unique_ptr<io::Stream> stream)
    : H2Link(core.loop, http::H2Session::Side::kServer,
             {.head = core.options.head, .max_streams = core.options.max_streams}, *this,
             std::move(stream)),
      core_(core),
      timer_(core.loop, [this] { on_timeout(); }) {}

bool H2Client::upgrade(std::string_view settings, const http::RequestHead& head) {
  auto bridge = std::make_unique<H2ClientStream>(*this, 1, head, core_.options.send_timeout);
  if (!session().upgrade(settings, head.method, *bridge)) return false;
  core_.accept(std::move(bridge), GatewayCore::Via::kH2);
  return true;
}

void H2Client::drain() {
  session().shut_down();
  schedule();
}

http::H2StreamEvents* H2Client::on_request(int32_t stream, const http::RequestHead& head) {
  if (core_.is_full()) return nullptr;  // refused
  auto bridge = std::make_unique<H2ClientStream>(*this, stream, head, core_.options.send_timeout);
  H2ClientStream* const events = bridge.get();
  core_.accept(std::move(bridge), GatewayCore::Via::kH2);
  return events;
}

http::H2StreamEvents* H2Client::on_bad_request(int32_t stream, const http::HeadFault& fault) {
  const std::string text = fmt::format("The request is refused: {}.\n", fault.reason);
  const std::string status = fmt::format_int(fault.status).str();
  const std::vector<http::H2Field> fields{{":status", status},
                                          {"content-type", "text/plain; charset=utf-8"}};
  session().respond(stream, fields, http::H2Session::End::kNo);
  session().send(stream, text);
  session().finish(stream, {});
  return &nobody;
}

void H2Client::settle() {
  Waits waits = Waits::kNothing;
  Duration time{0};
  if (is_blocked()) {
    waits = Waits::kBlocked;
    time = core_.options.send_timeout;
  } else if (session().head_begun()) {
    waits = Waits::kHead;
    time = core_.options.head_timeout;
  } else if (session().streams() == 0) {
    waits = core_.draining ? Waits::kLeaving : Waits::kIdle;
    time = core_.draining ? kLeaveTime : core_.options.idle_timeout;
  } else if (bridges() == 0) {
    // A refused request's answer waits for a window that may never open.
    waits = Waits::kUnread;
    time = core_.options.send_timeout;
  }
  const bool has_moved = moved();
  if (waits == waits_ && !(waits == Waits::kBlocked && has_moved)) return;
  waits_ = waits;
  if (waits == Waits::kNothing) return timer_.clear();
  timer_.set_after(time);
}

void H2Client::on_timeout() {
  const Waits waits = std::exchange(waits_, Waits::kNothing);
  if (waits == Waits::kBlocked) {
    die();
    return over();
  }
  end(waits == Waits::kHead ? http::H2Error::kEnhanceYourCalm : http::H2Error::kNone);
}

void H2Client::over() { core_.remove(*this); }

}  // namespace thaw::gateway
