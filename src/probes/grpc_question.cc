#include "probes/grpc_question.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "rpc/wire.h"

namespace thaw::probes {

GrpcQuestion::GrpcQuestion(const serving::Probe& probe, const std::string& host, Instant now)
    : what_(fmt::format("grpc.health.v1.Health/Check on port {}", probe.port)),
      session_(http::H2Session::Side::kClient, {}, *this, now) {
  const std::array<http::H2Field, 7> fields{{{":method", "POST"},
                                             {":scheme", "http"},
                                             {":path", "/grpc.health.v1.Health/Check"},
                                             {":authority", host},
                                             {"te", "trailers"},
                                             {"content-type", "application/grpc"},
                                             {"user-agent", "thaw-probe/1.0"}}};
  stream_ = session_.request(fields, http::H2Session::End::kNo, *this);
  rpc::WireWriter request;
  request.bytes(1, probe.service);
  std::string framed;
  rpc::append_message(framed, std::move(request).take());
  session_.send(stream_, framed);
  session_.finish(stream_, {});
}

GrpcQuestion::~GrpcQuestion() {
  if (stream_ != 0) session_.abandon(stream_, http::H2Error::kCancel);
}

std::optional<Verdict> GrpcQuestion::receive(std::string_view bytes, Instant now) {
  // A server's first frame is SETTINGS (RFC 9113, 3.4); anything else would be waited for as one.
  constexpr size_t kTypeAt = 3;
  constexpr char kSettings = 4;
  first_ += bytes.substr(0, kTypeAt + 1 - first_.size());
  const bool is_known = first_.size() <= kTypeAt || first_[kTypeAt] == kSettings;
  if (!is_known || !session_.receive(bytes, now)) {
    settle("was answered with something that is not HTTP/2");
  }
  return verdict_;
}

Verdict GrpcQuestion::ended() { return {what_ + ": the connection was closed without an answer"}; }

void GrpcQuestion::on_response(const http::ResponseHead& head) {
  if (head.status != 200) settle(fmt::format("was answered with {}", head.status));
  // An answer of trailers only has its status here.
  if (const auto* status = head.find("grpc-status")) take_status(status->value);
}

void GrpcQuestion::on_content(std::string_view content) {
  session_.consume(stream_, content.size());
  if (message_ || verdict_) return;
  reader_.add(content);
  auto next = reader_.next();
  if (!next) return settle("was answered with what is no message of gRPC");
  if (*next) message_ = **std::move(next);
}

void GrpcQuestion::on_end(http::Headers trailers) {
  if (const auto status = trailers.find("grpc-status")) take_status(*status);
  if (!message_) return settle("was answered without a message");
  const std::string fault = health_fault(*message_);
  settle(fault.empty() ? "" : "was answered with " + fault);
}

void GrpcQuestion::on_closed(http::H2Error) {
  stream_ = 0;
  settle("was broken off");
}

void GrpcQuestion::take_status(std::string_view status) {
  if (status == "0") return;
  constexpr std::string_view kUnimplemented = "12";
  constexpr std::string_view kNotFound = "5";
  std::string said(status.substr(0, 10));
  if (status == kUnimplemented) said += ", the server has no such method";
  if (status == kNotFound) said += ", the server does not know the service asked for";
  settle("was answered with gRPC status " + said);
}

/// The first one counts. Empty: it passed.
void GrpcQuestion::settle(std::string why) {
  if (verdict_) return;
  verdict_ = Verdict{why.empty() ? why : what_ + " " + why};
}

std::string health_fault(std::string_view message) {
  constexpr int64_t kServing = 1;
  int64_t status = 0;
  rpc::WireReader fields(message);
  while (fields.next()) {
    if (fields.field() == 1) status = fields.number();
  }
  if (!fields.is_whole()) return "a malformed message";
  if (status == kServing) return "";
  switch (status) {
    case 0:
      return "UNKNOWN";
    case 2:
      return "NOT_SERVING";
    case 3:
      return "SERVICE_UNKNOWN";
    default:
      return fmt::format("the unknown status {}", status);
  }
}

}  // namespace thaw::probes
