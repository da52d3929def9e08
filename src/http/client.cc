#include "http/client.h"

#include <fmt/format.h>

#include <iterator>
#include <optional>
#include <string>
#include <utility>

#include "http/body.h"
#include "http/header_id.h"
#include "http/send_queue.h"
#include "http/text.h"

namespace thaw::http {
namespace {

constexpr size_t kReadSize = 64 << 10;

/// Errors in what we were asked to send; they would split the request into two.
Status check(const Request& request) {
  const bool good_target =
      !request.target.empty() && request.target.find_first_of(" \t\r\n") == std::string::npos;
  if (!is_token(request.method) || !good_target) {
    return Error(Code::kInvalidArgument, "'" + request.method + " " + request.target +
                                             "' is no HTTP request: encode blanks as %20");
  }
  for (const Headers::Header& header : request.headers) {
    if (!is_token(header.name) || !is_field_value(header.value)) {
      return Error(Code::kInvalidArgument, "header '" + header.name + "' is malformed");
    }
  }
  return {};
}

std::string write_request(const Request& request, const io::SocketAddress& to) {
  std::string out = request.method + " " + request.target + " HTTP/1.1\r\n";
  const std::string host = request.host.empty() ? to.str() : request.host;
  if (!request.headers.find("host")) out += "host: " + host + "\r\n";
  for (const Headers::Header& header : request.headers) {
    const HeaderId id = header_id(header.name);
    const bool is_ours = id == HeaderId::kContentLength || id == HeaderId::kTransferEncoding ||
                         id == HeaderId::kConnection;
    if (!is_ours) fmt::format_to(std::back_inserter(out), "{}: {}\r\n", header.name, header.value);
  }
  const bool has_body = !request.body.empty() || request.method == "POST" ||
                        request.method == "PUT" || request.method == "PATCH";
  if (has_body) {
    fmt::format_to(std::back_inserter(out), "content-length: {}\r\n", request.body.size());
  }
  out += "connection: close\r\n\r\n";
  out += request.body;
  return out;
}

/// One exchange. Held by its Call, and by itself while it calls back.
class Exchange final : public io::StreamEvents, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(io::SocketAddress to, HeadLimits limits, Client::Receiver receiver)
      : to_(std::move(to)), receiver_(std::move(receiver)), parser_(limits) {}

  void begin(io::Net& net, io::Loop& loop, const Request& request, Duration timeout) {
    to_head_ = request.method == "HEAD";
    timer_ = loop.after(timeout, [this, timeout] {
      finish(Error(Code::kDeadlineExceeded,
                   "no answer from " + to_.str() + " within " + format_duration(timeout)));
    });
    if (Status status = check(request); !status) {
      timer_ = loop.after(Duration::zero(),
                          [this, error = std::move(status).error()] { finish(error); });
      return;
    }
    out_.buffer() = write_request(request, to_);
    connecting_ = net.connect(to_, [this](auto stream) {
      if (!stream) return finish(std::move(stream).error());
      stream_ = *std::move(stream);
      stream_->set_events(this);
      on_writable();
    });
  }

  void cancel() {
    done_ = true;
    timer_.cancel();
    connecting_.reset();
    stream_.reset();
  }

  /// For fetch(): the timeout is for the whole answer, and its body has a limit.
  void limit_whole_answer(ByteCount max_body) { max_body_ = max_body; }

  void on_writable() override {
    // A server may answer and close before it took the whole request: reading tells.
    if (!done_ && !send_broken_) send_broken_ = out_.flush(*stream_) == SendQueue::State::kBroken;
  }

  void on_readable() override {
    const auto self = shared_from_this();
    char buffer[kReadSize];
    while (!done_) {
      const io::Transfer moved = stream_->read(buffer);
      switch (moved.state) {
        case io::Transfer::State::kMoved:
          take({buffer, moved.bytes});
          break;
        case io::Transfer::State::kWouldBlock:
          return;
        case io::Transfer::State::kEnd:
          return ended();
        case io::Transfer::State::kBroken:
          return finish(errno_error("read answer of " + to_.str(), moved.error));
      }
    }
  }

 private:
  void take(std::string_view input) {
    if (has_head_) return take_body(input);
    head_bytes_ += input;
    for (;;) {
      switch (parser_.parse(head_bytes_, to_head_)) {
        case ParseState::kNeedMore:
          return;
        case ParseState::kBad:
          return finish(Error(Code::kInternal, "answer of " + to_.str() + ": " +
                                                   std::string(parser_.fault().reason)));
        case ParseState::kDone:
          break;
      }
      if (parser_.head().status >= 200) break;
      head_bytes_.erase(0, parser_.length());  // 100 and 103 only announce the answer
      parser_.reset();
    }
    take_head();
  }

  void take_head() {
    const ResponseHead& head = parser_.head();
    Response response{head.status, {}, ""};
    for (const HeaderView& header : head.headers) {
      response.headers.add(std::string(header.name), std::string(header.value));
    }
    body_ = BodyReader(head.framing, head.content_length);
    has_head_ = true;
    if (!max_body_) timer_.cancel();
    const std::string rest = head_bytes_.substr(parser_.length());
    receiver_.on_head(response);
    if (!done_) take_body(rest);
  }

  void take_body(std::string_view input) {
    while (!done_) {
      const BodyReader::Step step = body_.next(input);
      input.remove_prefix(step.consumed);
      switch (step.state) {
        case BodyReader::State::kContent:
          received_ += static_cast<int64_t>(step.content.size());
          if (max_body_ && received_ > max_body_->value) {
            return finish(Error(
                Code::kResourceExhausted,
                "the answer of " + to_.str() + " is larger than " + format_bytes(*max_body_)));
          }
          receiver_.on_content(step.content);
          break;
        case BodyReader::State::kMore:
          return;
        case BodyReader::State::kDone:
          return finish({});
        case BodyReader::State::kBad:
          return finish(Error(Code::kInternal, "answer of " + to_.str() + ": malformed chunk"));
      }
    }
  }

  void ended() {
    if (has_head_ && body_.may_end_here()) return finish({});
    finish(Error(Code::kUnavailable,
                 to_.str() + " closed the connection before its answer was whole"));
  }

  void finish(Status status) {
    if (done_) return;
    const auto self = shared_from_this();
    cancel();
    const auto on_end = std::move(receiver_.on_end);
    on_end(std::move(status));
  }

  io::SocketAddress to_;
  Client::Receiver receiver_;
  io::Timer timer_;
  std::unique_ptr<io::Connecting> connecting_;
  std::unique_ptr<io::Stream> stream_;
  SendQueue out_;
  ResponseParser parser_;
  BodyReader body_;
  std::string head_bytes_;
  std::optional<ByteCount> max_body_;  // of a fetch()
  int64_t received_ = 0;
  bool to_head_ = false;
  bool has_head_ = false;
  bool send_broken_ = false;
  bool done_ = false;
};

class ClientCall final : public Call {
 public:
  explicit ClientCall(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~ClientCall() override { exchange_->cancel(); }

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace

std::unique_ptr<Call> Client::fetch(const io::SocketAddress& to, Request request, Duration timeout,
                                    OnResponse on_response) {
  auto response = std::make_shared<Response>();
  Receiver receiver{
      .on_head = [response](const Response& head) { *response = head; },
      .on_content = [response](std::string_view content) { response->body += content; },
      .on_end =
          [response, on_response = std::move(on_response)](Status status) {
            if (!status) return on_response(std::move(status).error());
            on_response(std::move(*response));
          },
  };
  auto exchange = std::make_shared<Exchange>(to, options_.head, std::move(receiver));
  exchange->limit_whole_answer(options_.max_body);
  exchange->begin(net_, loop_, request, timeout);
  return std::make_unique<ClientCall>(std::move(exchange));
}

std::unique_ptr<Call> Client::stream(const io::SocketAddress& to, Request request, Duration timeout,
                                     Receiver receiver) {
  auto exchange = std::make_shared<Exchange>(to, options_.head, std::move(receiver));
  exchange->begin(net_, loop_, request, timeout);
  return std::make_unique<ClientCall>(std::move(exchange));
}

}  // namespace thaw::http
