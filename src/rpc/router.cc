#include "rpc/router.h"

#include <utility>

#include "base/check.h"
#include "http/text.h"
#include "rpc/call_state.h"
#include "rpc/status.h"

namespace thaw::rpc {
namespace {

/// Waits for the one message and the end behind it.
void gather(std::shared_ptr<Call> call, const Router::UnaryHandler& handler) {
  Call& waiting = *call;
  waiting.next([call, handler](Call::Got got, std::string message) mutable {
    if (got == Call::Got::kEnd) {
      return call->finish(Error(Code::kInternal, "the request has no message"));
    }
    if (got != Call::Got::kMessage) return;
    call->count_kept(message.size());
    call->next([call, handler, message = std::move(message)](Call::Got end, const auto&) mutable {
      if (end == Call::Got::kMessage) {
        return call->finish(Error(Code::kInternal, "the request has more than one message"));
      }
      if (end == Call::Got::kEnd) handler(Unary(std::move(*call), std::move(message)));
    });
  });
}

}  // namespace

void Unary::answer(Result<std::string> message, http::Headers trailing) {
  if (!message) return call_.finish(std::move(message).error(), std::move(trailing));
  call_.send(*message);
  call_.finish({}, std::move(trailing));
}

void Router::add(std::string path, Handler handler) {
  const bool is_new = methods_.emplace(std::move(path), std::move(handler)).second;
  CHECK(is_new, "a method is added once");
}

void Router::add_unary(std::string path, UnaryHandler handler) {
  add(std::move(path), [handler = std::move(handler)](Call call) {
    gather(std::make_shared<Call>(std::move(call)), handler);
  });
}

bool Router::takes(const http::Request& head) const {
  constexpr std::string_view kType = "application/grpc";
  const std::string_view type = head.headers.get("content-type");
  if (!http::equals_ignoring_case(type.substr(0, kType.size()), kType)) return false;
  return type.size() == kType.size() || type[kType.size()] == '+' || type[kType.size()] == ';';
}

/// What the protocol itself refuses.
Status Router::check(const http::Request& head) const {
  if (head.method != "POST") {
    return Error(Code::kInternal, "a gRPC call is a POST, not '" + head.method + "'");
  }
  size_t metadata = 0;
  for (const auto& header : head.headers) metadata += header.name.size() + header.value.size();
  if (std::cmp_greater(metadata, options_.max_metadata.value)) {
    return Error(Code::kResourceExhausted,
                 "the metadata is larger than " + format_bytes(options_.max_metadata));
  }
  const std::string_view encoding = head.headers.get("grpc-encoding");
  if (!encoding.empty() && encoding != "identity") {
    return Error(Code::kUnimplemented, "grpc-encoding '" + std::string(encoding) +
                                           "' is not taken here; send without compression");
  }
  const auto timeout = head.headers.find("grpc-timeout");
  if (timeout && !parse_timeout(*timeout)) {
    return Error(Code::kInternal, "grpc-timeout '" + std::string(*timeout) + "' is malformed");
  }
  if (!methods_.contains(head.path)) {
    return Error(Code::kUnimplemented, "there is no method '" + head.path + "' here");
  }
  return {};
}

void Router::handle(http::Request head, http::BodyStream body, http::Responder responder) {
  if (Status status = check(head); !status) {
    http::Response answer = answer_head({});
    for (const auto& header : trailers_of(status, {})) {
      answer.headers.add(header.name, header.value);
    }
    return responder.answer(std::move(answer));
  }
  std::optional<Duration> timeout;
  if (const auto text = head.headers.find("grpc-timeout")) timeout = parse_timeout(*text);
  const Handler handler = methods_.at(head.path);  // a copy: it may add methods
  const auto state =
      std::make_shared<Call::State>(loop_, static_cast<size_t>(options_.max_message.value), bodies_,
                                    std::move(head), std::move(body), std::move(responder));
  state->begin(timeout);
  handler(Call(state));
}

}  // namespace thaw::rpc
