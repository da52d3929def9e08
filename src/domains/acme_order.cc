#include "domains/acme_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/base64.h"

namespace thaw::domains {
namespace {

constexpr size_t kLongestUrl = 2048;
constexpr size_t kLongestDetail = 500;
constexpr Duration kShortestPause = seconds(1);
constexpr Duration kLongestPause = seconds(60);

bool is_good_url(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  return url.starts_with(kScheme) && url.size() > kScheme.size() && url.size() <= kLongestUrl &&
         std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

/// RFC 8555, 8.1: base64url; anything else has no business in a path of ours.
bool is_good_token(std::string_view token) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.size() >= 16 && token.size() <= 256 &&
         token.find_first_not_of(kLetters) == std::string_view::npos;
}

/// What a server says, as far as it may stand in a log.
std::string printable(std::string text) {
  if (text.size() > kLongestDetail) text.resize(kLongestDetail);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

/// "urn:ietf:params:acme:error:dns: no address" of a problem document (RFC 8555, 6.7).
std::string problem_text(const Json& problem) {
  std::string type = problem.string_or("type");
  constexpr std::string_view kPrefix = "urn:ietf:params:acme:error:";
  if (type.starts_with(kPrefix)) type.erase(0, kPrefix.size());
  const std::string detail = problem.string_or("detail");
  return printable(type + (type.empty() || detail.empty() ? "" : ": ") + detail);
}

bool has_problem(const Json& body, std::string_view name) {
  return body.string_or("type") == fmt::format("urn:ietf:params:acme:error:{}", name);
}

const Json* http_challenge(const Json& authorization) {
  const Json& all = authorization["challenges"];
  if (!all.is_array()) return nullptr;
  for (const Json& each : all.as_array()) {
    if (each.string_or("type") == "http-01") return &each;
  }
  return nullptr;
}

}  // namespace

AcmeStep AcmeOrder::refuse(Code code, std::string what) const {
  return AcmeRefused{Error(code, fmt::format("{}: {}", options_.directory, what)), std::nullopt};
}

AcmeStep AcmeOrder::refuse(const AcmeAnswer& answer, const Json& body) const {
  const std::string why = problem_text(body);
  return AcmeRefused{Error(answer.status >= 500 || answer.status == 429 ? Code::kUnavailable
                                                                        : Code::kFailedPrecondition,
                           fmt::format("{}: the ACME server answered {}{}{}", next_.url,
                                       answer.status, why.empty() ? "" : ": ", why)),
                     answer.retry_after};
}

AcmeStep AcmeOrder::begin() { return get(At::kDirectory, options_.directory); }

AcmeStep AcmeOrder::get(At at, std::string url) {
  at_ = at;
  next_ = {.method = AcmeRequest::Method::kGet, .url = std::move(url)};
  return send();
}

AcmeStep AcmeOrder::post(At at, std::string url, std::string payload) {
  at_ = at;
  repeats_ = 0;
  next_ = {.method = AcmeRequest::Method::kPost,
           .url = std::move(url),
           .payload = std::move(payload),
           .nonce = "",
           .account = account_};
  return send();
}

/// `next_`, or first what it needs.
AcmeStep AcmeOrder::send() {
  if (!is_good_url(next_.url)) {
    return refuse(Code::kInvalidArgument,
                  fmt::format("'{}' is no https URL", printable(next_.url)));
  }
  if (++steps_ > kMostSteps) {
    return refuse(Code::kUnavailable, "the order does not come to an end");
  }
  if (next_.method != AcmeRequest::Method::kPost) return next_;
  if (nonce_.empty()) {
    fetching_nonce_ = true;
    return AcmeRequest{.method = AcmeRequest::Method::kHead, .url = new_nonce_};
  }
  next_.nonce = std::exchange(nonce_, "");
  return next_;
}

/// Asks for `url` again, later and later.
AcmeStep AcmeOrder::poll(At at, std::string url, const AcmeAnswer& answer) {
  at_ = at;
  repeats_ = 0;
  next_ = {.method = AcmeRequest::Method::kPost,
           .url = std::move(url),
           .payload = "",
           .nonce = "",
           .account = account_};
  const Duration usual = kShortestPause * (1 << std::min(polls_++ / 4, 5));
  return AcmePause{std::clamp(answer.retry_after.value_or(usual), kShortestPause, kLongestPause)};
}

AcmeStep AcmeOrder::on_pause_over() { return send(); }

AcmeStep AcmeOrder::on_answer(const AcmeAnswer& answer) {
  if (!answer.nonce.empty() && answer.nonce.size() <= kLongestUrl) nonce_ = answer.nonce;
  if (std::exchange(fetching_nonce_, false)) {
    if (answer.status >= 400) return refuse(answer, Json());
    if (nonce_.empty()) return refuse(Code::kInternal, "its newNonce gives no nonce");
    return send();
  }
  if (at_ == At::kDownload && answer.status == 200 && !answer.body.empty()) {
    return AcmeIssued{answer.body};
  }
  const auto parsed = Json::parse(answer.body);
  const Json body = parsed ? *parsed : Json();
  if (answer.status >= 400) {
    if (auto again = repeat(answer, body)) return *std::move(again);
    return refuse(answer, body);
  }
  if (!body.is_object()) return refuse(Code::kInternal, next_.url + " answers no JSON object");
  return take(answer, body);
}

/// RFC 8555, 6.5: with the nonce that came with the refusal.
std::optional<AcmeStep> AcmeOrder::repeat(const AcmeAnswer& answer, const Json& body) {
  const bool is_stale = answer.status == 400 && has_problem(body, "badNonce");
  if (!is_stale || ++repeats_ > kMostRepeats) return std::nullopt;
  return send();
}

AcmeStep AcmeOrder::take(const AcmeAnswer& answer, const Json& body) {
  switch (at_) {
    case At::kDirectory:
      return take_directory(body);
    case At::kAccount:
      account_ = answer.location;
      if (!is_good_url(account_)) return refuse(Code::kInternal, "an account without a URL");
      return post(
          At::kOrder, new_order_,
          Json::object({{"identifiers",
                         Json::Array{Json::object({{"type", "dns"}, {"value", options_.domain}})}}})
              .dump());
    case At::kOrder:
      return take_order(answer, body);
    case At::kAuthorization:
    case At::kValidation:
      return take_authorization(answer, body);
    case At::kChallenge:
      return poll(At::kValidation, authorization_, answer);
    case At::kFinalize:
    case At::kIssuing:
      return take_issuing(answer, body);
    case At::kDownload:
      break;
  }
  return refuse(answer, body);
}

AcmeStep AcmeOrder::take_directory(const Json& body) {
  new_nonce_ = body.string_or("newNonce");
  new_account_ = body.string_or("newAccount");
  new_order_ = body.string_or("newOrder");
  if (!is_good_url(new_nonce_) || !is_good_url(new_account_) || !is_good_url(new_order_)) {
    return refuse(Code::kInvalidArgument,
                  "is no ACME directory: newNonce, newAccount and newOrder "
                  "must be https URLs");
  }
  Json account = Json::object({{"termsOfServiceAgreed", true}});
  if (!options_.email.empty()) {
    account.set("contact", Json::Array{Json("mailto:" + options_.email)});
  }
  return post(At::kAccount, new_account_, account.dump());
}

AcmeStep AcmeOrder::take_order(const AcmeAnswer& answer, const Json& body) {
  order_ = answer.location;
  finalize_ = body.string_or("finalize");
  const Json& all = body["authorizations"];
  const bool has_one =
      all.is_array() && all.as_array().size() == 1 && all.as_array()[0].is_string();
  if (!is_good_url(order_) || !is_good_url(finalize_) || !has_one) {
    return refuse(Code::kInternal, "an order without URL, finalize or its one authorization");
  }
  authorization_ = all.as_array()[0].as_string();
  return post(At::kAuthorization, authorization_, "");
}

AcmeStep AcmeOrder::take_authorization(const AcmeAnswer& answer, const Json& body) {
  const std::string status = body.string_or("status");
  if (status == "valid") return finalize();  // perhaps from an order before
  const Json* const challenge = http_challenge(body);
  if (challenge == nullptr) {
    return refuse(Code::kFailedPrecondition,
                  fmt::format("{}: no http-01 challenge is offered", options_.domain));
  }
  if (status != "pending") {
    const std::string why = problem_text((*challenge)["error"]);
    return refuse(Code::kFailedPrecondition,
                  fmt::format("{} could not be validated: {}", options_.domain,
                              why.empty() ? "the authorization is " + printable(status) : why));
  }
  if (is_told_) return poll(At::kValidation, authorization_, answer);
  is_told_ = true;
  token_ = challenge->string_or("token");
  challenge_ = challenge->string_or("url");
  if (!is_good_token(token_)) {
    token_.clear();
    return refuse(Code::kInternal, "a challenge without a good token");
  }
  return post(At::kChallenge, challenge_, "{}");
}

AcmeStep AcmeOrder::finalize() {
  polls_ = 0;
  return post(At::kFinalize, finalize_,
              Json::object({{"csr", base64_url(options_.request)}}).dump());
}

AcmeStep AcmeOrder::take_issuing(const AcmeAnswer& answer, const Json& body) {
  const std::string status = body.string_or("status");
  if (status == "valid") return post(At::kDownload, body.string_or("certificate"), "");
  if (status == "processing" || status == "ready" || status == "pending") {
    return poll(At::kIssuing, order_, answer);
  }
  const std::string why = problem_text(body["error"]);
  return refuse(Code::kFailedPrecondition, fmt::format("the order is {}{}{}", printable(status),
                                                       why.empty() ? "" : ": ", why));
}

}  // namespace thaw::domains
