#include "gateway/replies.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "http/status.h"
#include "serving/words.h"

namespace thaw::gateway {
namespace {

/// A host comes from the client; only what may stand in one is repeated.
std::string printable(std::string_view host) {
  std::string text(host.substr(0, 100));
  for (char& c : text) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>') c = '?';
  }
  return text;
}

}  // namespace

std::string write_reply(const Reply& reply, Rest rest, bool to_head) {
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n",
      reply.status, http::reason_phrase(reply.status), reply.message.size() + 1);
  if (reply.retry_after > Duration::zero()) {
    const auto whole = std::chrono::ceil<std::chrono::seconds>(reply.retry_after);
    out += fmt::format("Retry-After: {}\r\n", whole.count());
  }
  if (!reply.location.empty()) out += fmt::format("Location: {}\r\n", reply.location);
  out += rest == Rest::kClose ? "Connection: close\r\n\r\n" : "\r\n";
  if (!to_head) {
    out += reply.message;
    out += '\n';
  }
  return out;
}

Reply from(const serving::Refusal& refusal) {
  return {refusal.http_status, refusal.message, refusal.retry_after, name_of(refusal.reason)};
}

Reply timed_out() { return from(serving::past_deadline()); }

Reply malformed_response() { return from(serving::instance_died(nullptr, nullptr)); }

Reply request_too_large(int64_t limit) {
  return {413,
          fmt::format("The request is larger than {}, which is the most over HTTP/1.",
                      format_bytes({limit})),
          {},
          "request_too_large"};
}

Reply response_too_large(int64_t limit) {
  return {500,
          fmt::format("The response is larger than {}, which is the most over HTTP/1 unless it "
                      "is streamed with Transfer-Encoding: chunked.",
                      format_bytes({limit})),
          {},
          "response_too_large"};
}

Reply unknown_host(std::string_view host, const std::vector<std::string>& names) {
  std::string text = fmt::format("There is no service at the host \"{}\".", printable(host));
  if (names.empty()) return {404, std::move(text), {}, "unknown_host"};
  return {404, fmt::format("{} These are: {}", text, fmt::join(names, ", ")), {}, "unknown_host"};
}

Reply nothing_ready(std::string_view service) {
  return {503, fmt::format("No revision of the service \"{}\" is ready to serve.", service),
          seconds(1), "nothing_ready"};
}

Reply moved_to_https(std::string_view method, std::string_view host, uint16_t port,
                     std::string_view target) {
  const bool is_safe = method == "GET" || method == "HEAD";
  const std::string_view slash = target.starts_with('/') ? "" : "/";
  return {is_safe ? 301 : 308, "This domain is served through HTTPS.", Duration(0), "https_only",
          port == 443 ? fmt::format("https://{}{}{}", host, slash, target)
                      : fmt::format("https://{}:{}{}{}", host, port, slash, target)};
}

Reply shutting_down() { return from(serving::shutting_down()); }

Reply too_many_connections() { return {503, "The gateway has too many connections.", seconds(1)}; }

}  // namespace thaw::gateway
