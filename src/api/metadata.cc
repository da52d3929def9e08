#include "api/metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "api/projects.h"
#include "base/json.h"
#include "http/query.h"
#include "pipeline/file.h"

namespace thaw::api {
namespace {

constexpr std::string_view kRoot = "/computeMetadata/v1";
constexpr std::string_view kAccounts = "instance/service-accounts/";
constexpr std::string_view kScope = "https://www.googleapis.com/auth/cloud-platform";

http::Response reply(int status, std::string_view type, std::string body) {
  return {status,
          {{"content-type", std::string(type)}, {"metadata-flavor", "Google"}},
          std::move(body)};
}
http::Response text(std::string body) { return reply(200, "application/text", std::move(body)); }
http::Response refusal(int status, std::string why) {
  return reply(status, "text/plain; charset=utf-8", std::move(why) + "\n");
}

/// "numeric-project-id" -> "numericProjectId", as ?recursive=true says it.
std::string camel_case(std::string_view name) {
  std::string out;
  bool up = false;
  for (const char c : name) {
    if (c == '-') {
      up = true;
      continue;
    }
    out += up && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    up = false;
  }
  return out;
}

Json list_of(std::string_view lines) {
  Json list = Json::array();
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    list.push_back(Json(std::string(lines.substr(0, end))));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return list;
}

/// Sets the value that `path` leads to, making the objects on the way.
void put(Json& root, std::string_view path, Json value) {
  const size_t slash = path.find('/');
  if (slash == std::string_view::npos) {
    root.set(camel_case(path), std::move(value));
    return;
  }
  const std::string name = camel_case(path.substr(0, slash));
  Json below = Json::object({});
  if (const Json* known = root.find(name)) below = *known;
  put(below, path.substr(slash + 1), std::move(value));
  root.set(name, std::move(below));
}

}  // namespace

std::string account_email(std::string_view account, std::string_view project) {
  if (account.empty()) {
    return project_number(project) + "-compute@developer.gserviceaccount.com";
  }
  return pipeline::account_address(std::string(account), std::string(project));
}

MetadataServer::MetadataServer(identity::Guard& guard, io::Clock& clock, const MetadataFacts& facts)
    : guard_(guard),
      clock_(clock),
      email_(account_email(facts.account, facts.project)),
      counted_(clock.now()) {
  using Kind = Leaf::Kind;
  const std::string number = project_number(facts.project);
  const std::string account = std::string(kAccounts) + "default/";
  leaves_ = {
      {"instance/id", Kind::kText, facts.instance},
      {"instance/region", Kind::kText, fmt::format("projects/{}/regions/{}", number, kLocation)},
      {account + "aliases", Kind::kList, "default"},
      {account + "email", Kind::kText, email_},
      {account + "scopes", Kind::kList, std::string(kScope)},
      {"instance/zone", Kind::kText, fmt::format("projects/{}/zones/{}-1", number, kLocation)},
      {"project/numeric-project-id", Kind::kNumber, number},
      {"project/project-id", Kind::kText, facts.project},
      {"universe/universe-domain", Kind::kText, "googleapis.com"},
  };
}

http::Response MetadataServer::answer(const http::Request& request) {
  if (request.method != "GET" && request.method != "HEAD") {
    return refusal(405, "only GET and HEAD");
  }
  if (request.path == "/") return text("computeMetadata/\n");
  // A request that came through somebody's proxy is not the program's own.
  if (request.headers.find("x-forwarded-for")) {
    return refusal(403, "requests with X-Forwarded-For are refused");
  }
  if (request.headers.get("metadata-flavor") != "Google") {
    return refusal(403, "the header \"Metadata-Flavor: Google\" is missing");
  }
  const auto parts = http::split_path(request.path);
  std::string path;
  if (parts) {
    for (const std::string& part : *parts) path += part.empty() ? "" : "/" + part;
  }
  if (!path.starts_with(kRoot)) return refusal(404, "there is only /computeMetadata/v1/");
  path.erase(0, kRoot.size());
  if (path.starts_with('/')) path.erase(0, 1);
  // The account's own address is another name of "default"; there is no other account.
  const std::string by_email = std::string(kAccounts) + email_;
  if (path == by_email || path.starts_with(by_email + "/")) {
    path = std::string(kAccounts) + "default" + path.substr(by_email.size());
  }
  if (path == std::string(kAccounts) + "default/token") return token();
  if (path == std::string(kAccounts) + "default/identity") return identity(request);
  return lookup(path, request);
}

http::Response MetadataServer::lookup(std::string_view path, const http::Request& request) const {
  const auto wants = http::find(request.query, "recursive").value_or("");
  const bool recursive = wants == "true" || wants == "True" || wants == "TRUE";
  const std::string below = path.empty() ? "" : std::string(path) + "/";
  std::string listing, last;
  Json tree = Json::object({});
  bool found = false;
  for (const Leaf& leaf : leaves_) {
    if (leaf.path == path) return text(leaf.text);
    if (!leaf.path.starts_with(below)) continue;
    found = true;
    const std::string_view rest = std::string_view(leaf.path).substr(below.size());
    Json value(leaf.text);
    if (leaf.kind == Leaf::Kind::kNumber) value = Json(int64_t{std::stoll(leaf.text)});
    if (leaf.kind == Leaf::Kind::kList) value = list_of(leaf.text);
    put(tree, rest, std::move(value));
    const size_t slash = rest.find('/');
    const std::string line =
        std::string(rest.substr(0, slash == std::string_view::npos ? slash : slash + 1)) + "\n";
    if (line != last) listing += line;
    last = line;
  }
  if (!found) return refusal(404, "there is no such entry");
  return recursive ? reply(200, "application/json", tree.dump()) : text(listing);
}

bool MetadataServer::take_token() {
  const Instant now = clock_.now();
  tokens_ = std::min(kBurst, tokens_ + to_seconds(now - counted_) * kTokensPerSecond);
  counted_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

http::Response MetadataServer::token() {
  if (!take_token()) return refusal(429, "too many tokens are asked for; keep the one you have");
  const auto made = guard_.token_for(email_, identity::kAccessAudience);
  if (!made) return refusal(503, made.error().message());
  const auto left = std::chrono::floor<std::chrono::seconds>(made->expires - clock_.wall_now());
  return reply(200, "application/json",
               Json::object({{"access_token", made->text},
                             {"expires_in", int64_t{left.count()}},
                             {"token_type", "Bearer"}})
                   .dump());
}

http::Response MetadataServer::identity(const http::Request& request) {
  const auto audience = http::find(request.query, "audience").value_or("");
  if (audience.empty()) return refusal(400, "non-empty audience parameter required");
  if (audience.size() > identity::kLongestAudience) return refusal(400, "the audience is too long");
  if (!take_token()) return refusal(429, "too many tokens are asked for; keep the one you have");
  const auto made = guard_.token_for(email_, audience);
  if (!made) return refusal(503, made.error().message());
  return reply(200, "text/html", made->text);
}

}  // namespace thaw::api
