// AcmeCalls: sends one request after another to an ACME server, over HTTPS, signed.
//
// Thread: the loop's. Owner: ports, key and context outlive it; dropping it gives up and no
// callback comes afterwards. Limits: a minute a request, answers of 256 KiB.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "domains/account_key.h"
#include "domains/acme_order.h"
#include "domains/names.h"
#include "http/client.h"
#include "io/loop.h"
#include "io/net.h"
#include "tls/client_net.h"
#include "tls/context.h"

namespace thaw::domains {

class AcmeCalls {
 public:
  struct Ports {
    io::Net& net;
    io::Loop& loop;
    Names& names;
    const tls::ClientContext& roots;
  };
  AcmeCalls(Ports ports, const AccountKey& key) : ports_(ports), key_(key) {}

  /// One at a time. Errors: kUnavailable (no address, refused, a failed handshake), as
  /// http::Client's otherwise. An answer of any status is one.
  using OnAnswer = std::function<void(Result<AcmeAnswer>)>;
  void send(const AcmeRequest& request, OnAnswer on_answer);

 private:
  void call(const std::string& ip, uint16_t port);
  void finish(Result<AcmeAnswer> answer);

  Ports ports_;
  const AccountKey& key_;
  OnAnswer on_answer_;
  http::Request request_;
  std::string host_;
  std::unique_ptr<Lookup> lookup_;
  std::unique_ptr<tls::ClientNet> net_;
  std::unique_ptr<http::Call> call_;
};

/// Of "https://ca.example:14000/dir?x": host "ca.example", port 14000, target "/dir?x".
struct HttpsUrl {
  std::string host;  // an IPv6 address without its brackets
  uint16_t port = 443;
  std::string authority;  // as it stood
  std::string target;
};
/// kInvalidArgument: is no such URL.
Result<HttpsUrl> parse_https_url(std::string_view url);
/// What an HTTP answer means to an order.
AcmeAnswer to_answer(const http::Response& response);

}  // namespace thaw::domains
