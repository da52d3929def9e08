// Request and Response: whole messages, for servers and clients that hold the body in memory.
// Thread: any. Owner: values.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "http/headers.h"
#include "http/query.h"

namespace thaw::http {

struct Request {
  std::string method = "GET";
  std::string target = "/";  // origin form, as sent: "/b/my%2Fname?alt=json"
  Headers headers;
  std::string body;
  // Filled in by the server:
  std::string path;  // of the target, still encoded (split_path() decodes)
  Query query;       // decoded
  std::string host;  // as sent, with port
  std::string peer;  // the client's address: "127.0.0.1:40112"
  int minor_version = 1;
  bool encrypted = false;  // came through TLS

  /// "https" or "http": what the client wrote before "://".
  std::string_view scheme() const { return encrypted ? "https" : "http"; }
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;

  static Response text(int status, std::string body) {
    return {status, {{"content-type", "text/plain; charset=utf-8"}}, std::move(body)};
  }
  static Response json(int status, std::string body) {
    return {status, {{"content-type", "application/json; charset=UTF-8"}}, std::move(body)};
  }
};

}  // namespace thaw::http
