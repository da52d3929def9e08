// GrpcQuestion: grpc.health.v1.Health/Check over HTTP/2 with prior knowledge; SERVING passes.
//
// **Thread**: any. Owner and limits: see question.h.
// Source: github.com/grpc/grpc, doc/health-checking.md.
#pragma once

#include <optional>
#include <string>

#include "http/h2_session.h"
#include "probes/question.h"
#include "rpc/message.h"

namespace thaw::probes {

class GrpcQuestion final : public Question, private http::H2Events, private http::H2StreamEvents {
 public:
  GrpcQuestion(const serving::Probe& probe, const std::string& host, Instant now);
  ~GrpcQuestion() override;

  void collect(std::string& out) override { session_.collect(out, kMost); }
  std::optional<Verdict> receive(std::string_view bytes, Instant now) override;
  Verdict ended() override;

 private:
  static constexpr size_t kMost = 4 << 10;

  http::H2StreamEvents* on_request(int32_t, const http::RequestHead&) override { return nullptr; }
  http::H2StreamEvents* on_bad_request(int32_t, const http::HeadFault&) override { return nullptr; }
  void on_response(const http::ResponseHead& head) override;
  void on_content(std::string_view content) override;
  void on_end(http::Headers trailers) override;
  void on_sent() override {}
  void on_closed(http::H2Error why) override;

  void settle(std::string why);
  void take_status(std::string_view status);

  std::string first_;  // bytes of the answer, as many as tell HTTP/2
  std::string what_;   // "grpc.health.v1.Health/Check on port 8080"
  http::H2Session session_;
  int32_t stream_ = 0;
  rpc::MessageReader reader_{kMost};
  std::optional<std::string> message_;
  std::optional<Verdict> verdict_;
};

/// Why an answer of Health/Check says that it does not serve; "" for SERVING. `message`: a
/// grpc.health.v1.HealthCheckResponse.
std::string health_fault(std::string_view message);

}  // namespace thaw::probes
