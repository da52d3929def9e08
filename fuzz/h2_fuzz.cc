// An HTTP/2 server's session and gRPC's messages take any bytes alike, however they are cut, and
// what comes out is well formed. The first byte cuts the input in two; a preface is put before it.
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "http/h2_session.h"
#include "http/text.h"
#include "rpc/message.h"
#include "rpc/status.h"

namespace {

using namespace thaw::http;

/// Writes down what happens, and answers every second request at once.
class Log final : public H2Events {
 public:
  struct Stream final : public H2StreamEvents {
    Stream(Log& l, int32_t i) : log(l), id(i) {}
    void on_content(std::string_view content) override {
      log.contents[id] += content;
      log.session->consume(id, content.size());
    }
    void on_end(Headers trailers) override {
      CHECK(!std::exchange(ended, true), "a request ends once");
      log.note(id, "end");
      for (const auto& trailer : trailers) {
        CHECK(is_token(trailer.name) && is_field_value(trailer.value), "a malformed trailer");
      }
    }
    void on_sent() override {}
    void on_closed(H2Error) override { CHECK(!std::exchange(closed, true), "a stream ends once"); }

    Log& log;
    int32_t id;
    bool ended = false, closed = false;
  };

  H2StreamEvents* on_request(int32_t id, const RequestHead& head) override {
    CHECK(is_token(head.method) && !head.target.empty() && is_host(head.host), "a malformed head");
    CHECK(head.target.find_first_of(" \r\n\t") == std::string_view::npos, "a target that splits");
    for (const HeaderView& header : head.headers) {
      CHECK(is_token(header.name) && is_field_value(header.value), "a malformed header was taken");
    }
    note(id, std::string(head.method) + " " + std::string(head.target));
    auto& stream = streams[id] = std::make_unique<Stream>(*this, id);
    const H2Field status{":status", "200"};
    if (id % 4 == 1) session->respond(id, {&status, 1}, H2Session::End::kYes);
    return stream.get();
  }
  H2StreamEvents* on_bad_request(int32_t id, const HeadFault& fault) override {
    CHECK(fault.status >= 400 && !fault.reason.empty(), "a refusal says why");
    note(id, "refused");
    return nullptr;
  }
  void note(int32_t id, std::string_view what) {
    events += std::to_string(id) + " " + std::string(what) + "\n";
  }

  H2Session* session = nullptr;
  std::map<int32_t, std::unique_ptr<Stream>> streams;
  std::map<int32_t, std::string> contents;
  std::string events;
};

Log run(std::string_view first, std::string_view second) {
  Log log;
  const thaw::Instant now{};
  H2Session session(H2Session::Side::kServer, {}, log, now);
  log.session = &session;
  if (session.receive(kH2Preface, now) && session.receive(first, now)) {
    session.receive(second, now);
  }
  std::string out;
  session.collect(out, 1 << 20);
  return log;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = std::min<size_t>(data[0], text.size());
  const Log whole = run(text, "");
  const Log pieces = run(text.substr(0, cut), text.substr(cut));
  CHECK(whole.events == pieces.events, "a cut changes what happens");

  thaw::rpc::MessageReader reader(1 << 16);
  reader.add(text.substr(0, cut));
  reader.add(text.substr(cut));
  for (auto next = reader.next(); next && *next; next = reader.next()) {
    CHECK((*next)->size() <= 1 << 16, "a message over the limit was taken");
  }
  (void)thaw::rpc::parse_timeout(text);
  CHECK(is_field_value(thaw::rpc::encode_message(text)), "a status message fits into a header");
  return 0;
}
