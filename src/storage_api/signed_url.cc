#include "storage_api/signed_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/base64.h"
#include "http/text.h"
#include "objects/checksums.h"
#include "storage_api/copying.h"
#include "storage_api/ranges.h"

namespace thaw::storage_api {
namespace {

constexpr std::string_view kAlgorithm = "GOOG4-RSA-SHA256";
constexpr std::string_view kSignature = "x-goog-signature";
constexpr std::array<std::string_view, 6> kNames4 = {"x-goog-algorithm",     "x-goog-credential",
                                                     "x-goog-date",          "x-goog-expires",
                                                     "x-goog-signedheaders", kSignature};
constexpr std::array<std::string_view, 3> kNames2 = {"GoogleAccessId", "Expires", "Signature"};
constexpr int64_t kLongestSeconds = 7 * 24 * 3600;
constexpr Duration kSkew = std::chrono::minutes(15);

XmlError malformed(std::string_view parameter, std::string details) {
  return {400,
          "MalformedSecurityHeader",
          "Your request has a malformed header.",
          {{"ParameterName", std::string(parameter)}, {"Details", std::move(details)}}};
}

XmlError expired(WallTime when) {
  return {400,
          "ExpiredToken",
          "Invalid argument.",
          {{"Details", "The provided token has expired. Request signature expired at: " +
                           format_rfc3339(when)}}};
}

XmlError too_early() {
  return {403,
          "RequestTimeTooSkewed",
          "The difference between the request time and the server's time is too large.",
          {}};
}

/// Of all parameters with the name, in any case; nullopt unless it is exactly one.
std::optional<std::string_view> single(const http::Query& query, std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : query) {
    if (!http::equals_ignoring_case(key, name)) continue;
    if (found) return std::nullopt;
    found = value;
  }
  return found;
}

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = (c | 0x20) - 'a';
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

/// "20261129T143000Z".
std::optional<WallTime> parse_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto part = [&](size_t at, size_t size) { return text.substr(at, size); };
  return parse_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 2), part(6, 2),
                                   part(9, 2), part(11, 2), part(13, 2)));
}

/// Runs of blanks become one, those at the ends go.
std::string squeezed(std::string_view value) {
  std::string result;
  for (const char c : http::trim(value)) {
    const bool is_blank = c == ' ' || c == '\t';
    if (is_blank && result.ends_with(' ')) continue;
    result += is_blank ? ' ' : c;
  }
  return result;
}

/// The values of all headers of that name, joined by commas.
std::optional<std::string> header_value(const http::Request& request, std::string_view name) {
  std::optional<std::string> joined;
  for (const auto& header : request.headers) {
    if (!http::equals_ignoring_case(header.name, name)) continue;
    joined = joined ? *joined + "," + squeezed(header.value) : squeezed(header.value);
  }
  return joined;
}

std::string_view without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  const bool is_port = colon != host.npos && host.find(']', colon) == host.npos;
  return is_port ? host.substr(0, colon) : host;
}

bool is_account(std::string_view name) {
  return !name.empty() && name.size() <= 254 &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
}

/// "ACCOUNT/20261129/REGION/storage/goog4_request".
struct Credential {
  std::string account;
  std::string scope;  // without the account
  std::string date;
};

std::optional<Credential> parse_credential(std::string_view text) {
  // Accounts have no '/', but regions come from outside too.
  const size_t slash = text.find('/');
  if (slash == text.npos || !is_account(text.substr(0, slash))) return std::nullopt;
  Credential credential{.account = std::string(text.substr(0, slash)),
                        .scope = std::string(text.substr(slash + 1)),
                        .date = {}};
  std::vector<std::string_view> parts;
  for (std::string_view rest = credential.scope;;) {
    const size_t end = rest.find('/');
    parts.push_back(rest.substr(0, end));
    if (end == rest.npos) break;
    rest.remove_prefix(end + 1);
  }
  if (parts.size() != 4 || parts[2] != "storage" || parts[3] != "goog4_request") return {};
  if (parts[1].empty()) return std::nullopt;
  credential.date = parts[0];
  return credential;
}

/// The names of signed headers, each a token in small letters; in the order given.
std::optional<std::vector<std::string>> parse_names(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    const size_t end = text.find(';');
    const std::string_view name = text.substr(0, end);
    if (!http::is_token(name) || names.size() == 100) return std::nullopt;
    names.push_back(http::lower_case(name));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) return std::nullopt;
  return names;
}

/// What is wrong with the headers that the signature is to cover.
std::optional<XmlError> check_headers(const http::Request& request,
                                      const std::vector<std::string>& names) {
  const auto is_named = [&](std::string_view name) {
    return std::binary_search(names.begin(), names.end(), http::lower_case(name));
  };
  if (!is_named("host")) {
    return malformed("x-goog-signedheaders", "The header host must be among the signed ones.");
  }
  for (const std::string& name : names) {
    if (name == "host" || request.headers.find(name)) continue;
    return malformed(name, "Header was included in signedheaders, but not in the request.");
  }
  for (const auto& header : request.headers) {
    const std::string name = http::lower_case(header.name);
    // Amazon's names must not say of a copy what the signer did not.
    const bool counts = name.starts_with("x-goog-") || is_amazons_copy_header(name);
    if (counts && !is_named(name)) {
      return malformed(name, "Header was in the request, but is not signed.");
    }
  }
  return std::nullopt;
}

std::string canonical_request(const http::Request& request, std::string_view path,
                              std::string_view host, const std::vector<std::string>& names,
                              std::string_view names_as_sent) {
  std::string headers;
  for (const std::string& name : names) {
    const std::string value =
        name == "host" ? std::string(host) : header_value(request, name).value_or("");
    headers += fmt::format("{}:{}\n", name, value);
  }
  const auto payload = header_value(request, "x-goog-content-sha256").value_or("UNSIGNED-PAYLOAD");
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, path, canonical_query(request.query),
                     headers, names_as_sent, payload);
}

SignedUrlReading read_version_4(const http::Request& request, WallTime now) {
  std::array<std::string_view, kNames4.size()> values;
  for (size_t i = 0; i < kNames4.size(); ++i) {
    const auto value = single(request.query, kNames4[i]);
    if (!value) return malformed(kNames4[i], "The parameter must be given once.");
    values[i] = *value;
  }
  const auto [algorithm, credential_text, date, expires, names_text, signature_text] = values;
  if (algorithm != kAlgorithm) {
    return malformed(kNames4[0], fmt::format("Only {} is taken here.", kAlgorithm));
  }
  const auto credential = parse_credential(credential_text);
  if (!credential) {
    return malformed(kNames4[1], "ACCOUNT/YYYYMMDD/REGION/storage/goog4_request is wanted.");
  }
  const auto begin = parse_time(date);
  if (!begin) return malformed(kNames4[2], "YYYYMMDDTHHMMSSZ is wanted.");
  if (date.substr(0, 8) != credential->date) {
    return malformed(kNames4[1], "Its date is not that of X-Goog-Date.");
  }
  const auto life = parse_count(expires);
  if (!life || *life < 1 || *life > kLongestSeconds) {
    return malformed(kNames4[3], "1 to 604800 seconds, which are seven days, are wanted.");
  }
  const auto names = parse_names(names_text);
  if (!names) return malformed(kNames4[4], "Names of headers are wanted, separated by ';'.");
  auto signature = from_hex(signature_text);
  if (!signature) return malformed(kNames4[5], "Signature was not hex encoded.");
  if (*begin > now + kSkew) return too_early();
  const WallTime end = *begin + std::chrono::seconds(*life);
  if (now >= end) return expired(end);
  if (auto fault = check_headers(request, *names)) return *std::move(fault);
  const auto path = canonical_path(request.path);
  if (!path) return malformed("path", "Its escapes are malformed.");

  SignedUrl url{.account = credential->account, .texts = {}, .signature = *std::move(signature)};
  const std::string host = http::lower_case(request.host);
  for (const std::string_view each : {std::string_view(host), without_port(host)}) {
    std::string canonical = canonical_request(request, *path, each, *names, names_text);
    std::string text = fmt::format("{}\n{}\n{}\n{}", kAlgorithm, date, credential->scope,
                                   objects::sha256_hex(canonical));
    url.texts.push_back({std::move(canonical), std::move(text)});
    if (each.size() == without_port(host).size()) break;
  }
  return url;
}

SignedUrlReading read_version_2(const http::Request& request, std::string_view resource,
                                WallTime now) {
  std::array<std::string_view, kNames2.size()> values;
  for (size_t i = 0; i < kNames2.size(); ++i) {
    const auto value = single(request.query, kNames2[i]);
    if (!value) return malformed(kNames2[i], "The parameter must be given once.");
    values[i] = *value;
  }
  const auto [account, expires, signature_text] = values;
  if (!is_account(account)) return malformed(kNames2[0], "An account's address is wanted.");
  constexpr int64_t kLatest = 9'000'000'000;  // fits nanoseconds
  const auto when = parse_count(expires);
  if (!when || *when > kLatest) {
    return malformed(kNames2[1], "Seconds since 1970 are wanted.");
  }
  auto signature = from_base64(signature_text);
  if (!signature || signature->empty()) {
    return malformed(kNames2[2], "Signature was not base64 encoded");
  }
  const WallTime end{std::chrono::seconds(*when)};
  if (now >= end) return expired(end);
  std::vector<std::string> names;
  for (const auto& header : request.headers) {
    const std::string name = http::lower_case(header.name);
    const bool is_key = name == "x-goog-encryption-key" || name == "x-goog-encryption-key-sha256";
    if (name.starts_with("x-goog-") && !is_key) names.push_back(name);
    if (is_amazons_copy_header(name)) {
      return malformed(name, "Header was in the request, but is not signed.");
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string extension;
  for (const std::string& name : names) {
    extension += fmt::format("{}:{}\n", name, header_value(request, name).value_or(""));
  }
  std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}{}", request.method, request.headers.get("content-md5"),
                  request.headers.get("content-type"), expires, extension, resource);
  return SignedUrl{.account = std::string(account),
                   .texts = {{"", std::move(text)}},
                   .signature = *std::move(signature)};
}

bool has_any(const http::Query& query, std::span<const std::string_view> names) {
  return std::ranges::any_of(query, [&](const auto& pair) {
    return std::ranges::any_of(
        names, [&](std::string_view name) { return http::equals_ignoring_case(pair.first, name); });
  });
}

}  // namespace

bool is_signed(const http::Query& query) {
  // "Expires" alone is anybody's.
  constexpr std::array<std::string_view, 2> kSure2 = {kNames2[0], kNames2[2]};
  return has_any(query, kNames4) || has_any(query, kSure2);
}

SignedUrlReading read_signed_url(const http::Request& request, std::string_view resource,
                                 WallTime now) {
  if (has_any(request.query, kNames4)) return read_version_4(request, now);
  if (is_signed(request.query)) return read_version_2(request, resource, now);
  return NotSigned();
}

std::optional<std::string> canonical_path(std::string_view path) {
  const auto plain = http::percent_decode(path);
  if (!plain) return std::nullopt;
  std::string result;
  for (std::string_view rest = *plain;;) {
    const size_t slash = rest.find('/');
    result += http::percent_encode(rest.substr(0, slash));
    if (slash == rest.npos) return result;
    result += '/';
    rest.remove_prefix(slash + 1);
  }
}

std::string canonical_query(const http::Query& query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [key, value] : query) {
    if (http::equals_ignoring_case(key, kSignature)) continue;
    pairs.emplace_back(http::percent_encode(key), http::percent_encode(value));
  }
  std::sort(pairs.begin(), pairs.end());
  std::string text;
  for (const auto& [key, value] : pairs) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", key, value);
  }
  return text;
}

std::optional<XmlError> refusal_of(const SignedUrl& url, Signatories& signatories) {
  auto verdict = Signatories::Verdict::kWrong;
  for (const SignedUrl::Text& text : url.texts) {
    verdict = signatories.judge(url.account, text.to_sign, url.signature);
    if (verdict == Signatories::Verdict::kGood) return std::nullopt;
  }
  const bool is_unknown = verdict == Signatories::Verdict::kUnknownAccount;
  XmlError error{
      403,
      "SignatureDoesNotMatch",
      "Access denied.",
      {{"Details", is_unknown
                       ? "No key of the account is known here: " + url.account
                       : "The request signature we calculated does not match the signature you "
                         "provided. Check your Google secret key and signing method."},
       {"StringToSign", url.texts.front().to_sign}}};
  if (!url.texts.front().canonical.empty()) {
    error.elements.emplace_back("CanonicalRequest", url.texts.front().canonical);
  }
  return error;
}

}  // namespace thaw::storage_api
