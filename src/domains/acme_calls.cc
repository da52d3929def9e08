#include "domains/acme_calls.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

namespace thaw::domains {
namespace {

constexpr Duration kTimeout = seconds(60);
constexpr ByteCount kLargestAnswer = kib(256);

std::optional<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Result<HttpsUrl> parse_https_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  const auto fault = [&](std::string_view what) {
    return Error(Code::kInvalidArgument, fmt::format("'{}' {}", url.substr(0, 200), what));
  };
  if (!url.starts_with(kScheme)) return fault("does not begin with https://");
  HttpsUrl parsed;
  std::string_view rest = url.substr(kScheme.size());
  const size_t slash = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, slash);
  parsed.authority = authority;
  parsed.target = slash == std::string_view::npos ? "/" : rest.substr(slash);
  parsed.target.resize(std::min(parsed.target.size(), parsed.target.find('#')));
  if (!parsed.target.starts_with('/')) parsed.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) return fault("names a user");
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    const auto port = number(authority.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return fault("has no port from 1 to 65535");
    parsed.port = static_cast<uint16_t>(*port);
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']')) {
    authority = authority.substr(1, authority.size() - 2);
  }
  if (authority.empty()) return fault("names no host");
  parsed.host = authority;
  return parsed;
}

AcmeAnswer to_answer(const http::Response& response) {
  AcmeAnswer answer{.status = response.status,
                    .nonce = std::string(response.headers.get("replay-nonce")),
                    .location = std::string(response.headers.get("location")),
                    .retry_after = std::nullopt,
                    .body = response.body};
  // A date is possible too (RFC 9110, 10.2.3); then the usual pauses do.
  const auto wait = number(response.headers.get("retry-after"));
  if (wait && *wait >= 0 && *wait <= 10'000'000) {
    answer.retry_after = std::chrono::seconds(*wait);
  }
  return answer;
}

void AcmeCalls::send(const AcmeRequest& request, OnAnswer on_answer) {
  on_answer_ = std::move(on_answer);
  const auto url = parse_https_url(request.url);
  request_ = {};
  request_.headers.add("user-agent", "thaw");
  if (request.method == AcmeRequest::Method::kHead) request_.method = "HEAD";
  if (request.method == AcmeRequest::Method::kPost) {
    Json fields = Json::object({{"nonce", request.nonce}, {"url", request.url}});
    if (request.account.empty()) {
      fields.set("jwk", key_.jwk());
    } else {
      fields.set("kid", request.account);
    }
    request_.method = "POST";
    request_.body = key_.sign(std::move(fields), request.payload);
    request_.headers.add("content-type", "application/jose+json");
  }
  if (!url) {
    lookup_ = ports_.names.find("", [this, error = url.error()](auto) { finish(error); });
    return;
  }
  host_ = url->host;
  request_.target = url->target;
  request_.host = url->authority;
  lookup_ = ports_.names.find(url->host, [this, port = url->port](auto addresses) {
    if (!addresses) return finish(std::move(addresses).error());
    call(addresses->front(), port);
  });
}

void AcmeCalls::call(const std::string& ip, uint16_t port) {
  net_ = std::make_unique<tls::ClientNet>(ports_.net, ports_.loop, ports_.roots, host_);
  http::Client client(*net_, ports_.loop, {.max_body = kLargestAnswer});
  call_ = client.fetch({ip, port}, std::move(request_), kTimeout, [this](auto response) {
    if (!response) return finish(std::move(response).error());
    finish(to_answer(*response));
  });
}

void AcmeCalls::finish(Result<AcmeAnswer> answer) {
  const auto callback = std::exchange(on_answer_, nullptr);
  if (callback) callback(std::move(answer));  // may destroy this
}

}  // namespace thaw::domains
