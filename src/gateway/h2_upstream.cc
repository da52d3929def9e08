#include "gateway/h2_upstream.h"

#include <fmt/format.h>

#include <utility>

#include "gateway/h2_bridge.h"
#include "http/head.h"

namespace thaw::gateway {
namespace {

using http::HeaderId;

constexpr Duration kMaxIdleTime = seconds(60);

/// One request to an instance: written as HTTP/1.1, answered in HTTP/1.1.
class H2InstanceStream final : public H2Bridge {
 public:
  using H2Bridge::H2Bridge;

  void on_response(const http::ResponseHead& head) override {
    const bool has_body = !to_head_ && head.status != 204 && head.status != 304;
    const bool ends = head.framing == http::Framing::kNone;
    in_chunked_ = has_body && head.framing == http::Framing::kChunked;
    in_ += fmt::format("HTTP/1.1 {}\r\n", head.status);
    bool has_length = false;
    for (const http::HeaderView& header : head.headers) {
      has_length = has_length || header.id == HeaderId::kContentLength;
      in_ += header.name;
      in_ += ": ";
      in_ += header.value;
      in_ += "\r\n";
    }
    if (in_chunked_) in_ += "Transfer-Encoding: chunked\r\n";
    if (has_body && ends && !has_length) in_ += "Content-Length: 0\r\n";
    in_ += "Connection: close\r\n\r\n";
    announce();
  }

  void on_end(http::Headers trailers) override {
    H2Bridge::on_end(std::move(trailers));
    whole_ = read_ended_ = true;
  }

 private:
  Taken take_head(std::string_view text, size_t& length) override {
    switch (parser_.parse(text)) {
      case http::ParseState::kNeedMore:
        return Taken::kMore;
      case http::ParseState::kBad:
        return Taken::kBad;
      case http::ParseState::kDone:
        break;
    }
    const http::RequestHead& head = parser_.head();
    length = parser_.length();
    to_head_ = head.method == "HEAD";
    std::vector<http::H2Field> fields{{":method", head.method},
                                      {":scheme", "http"},
                                      {":authority", head.host},
                                      {":path", head.target}};
    for (const http::HeaderView& header : head.headers) {
      switch (header.id) {
        case HeaderId::kConnection:
        case HeaderId::kHost:
        case HeaderId::kTe:
        case HeaderId::kTransferEncoding:
        case HeaderId::kUpgrade:
          break;
        default:
          fields.push_back({header.name, header.value});
      }
    }
    fields.push_back({"te", "trailers"});
    out_body_ = http::BodyReader(head.framing, head.content_length);
    done_ = out_body_.is_done();
    using End = http::H2Session::End;
    const int32_t stream = link_->session().request(fields, done_ ? End::kYes : End::kNo, *this);
    if (stream == 0) return Taken::kBad;
    opened(stream);
    return Taken::kFinal;
  }

  bool is_whole() const override { return whole_; }

  http::RequestParser parser_{{.bytes = 1 << 20, .headers = 400, .target = 64 << 10}};
  bool to_head_ = false;
  bool whole_ = false;
};

}  // namespace

class H2InstanceLink final : private http::H2Events, public H2Link {
 public:
  H2InstanceLink(H2Upstreams& pool, InstanceId instance, std::unique_ptr<io::Stream> stream)
      : H2Link(pool.loop_, http::H2Session::Side::kClient, {.head = {.headers = 200}}, *this,
               std::move(stream)),
        pool_(pool),
        instance_id(std::move(instance)) {}

  bool is_idle() const { return bridges() == 0; }

 private:
  http::H2StreamEvents* on_request(int32_t, const http::RequestHead&) override { return nullptr; }
  http::H2StreamEvents* on_bad_request(int32_t, const http::HeadFault&) override { return nullptr; }
  void settle() override {
    if (!is_idle()) return idle_.cancel();
    idle_ = loop().after(kMaxIdleTime, [this] { end(http::H2Error::kNone); });
  }
  void over() override { pool_.remove(*this); }

  H2Upstreams& pool_;
  io::Timer idle_;

 public:
  const InstanceId instance_id;
};

H2Upstreams::H2Upstreams(io::Loop& loop) : loop_(loop) {}
H2Upstreams::~H2Upstreams() = default;

std::unique_ptr<io::Stream> H2Upstreams::open(const InstanceId& instance) {
  const auto found = links_.find(instance);
  if (found == links_.end()) return nullptr;
  for (const auto& link : found->second) {
    if (link->takes_requests()) return std::make_unique<H2InstanceStream>(*link);
  }
  return nullptr;
}

std::unique_ptr<io::Stream> H2Upstreams::adopt(const InstanceId& instance,
                                               std::unique_ptr<io::Stream> connection) {
  auto link = std::make_unique<H2InstanceLink>(*this, instance, std::move(connection));
  H2InstanceLink& kept = *link;
  links_[instance].push_back(std::move(link));
  kept.begin("", "");
  return std::make_unique<H2InstanceStream>(kept);
}

void H2Upstreams::drop(const InstanceId& instance) {
  const auto found = links_.find(instance);
  if (found == links_.end()) return;
  for (const auto& link : found->second) {
    if (link->is_idle()) link->end(http::H2Error::kNone);
  }
}

void H2Upstreams::remove(H2InstanceLink& link) {
  const auto found = links_.find(link.instance_id);
  if (found == links_.end()) return;
  std::erase_if(found->second, [&](const auto& other) { return other.get() == &link; });
  if (found->second.empty()) links_.erase(found);
}

}  // namespace thaw::gateway
