// Context: what all TLS connections of one server, or to one place, have in common.
//
// TLS 1.2 with forward secrecy and authenticated encryption only, and TLS 1.3; no renegotiation, no
// compression, no early data; session tickets, whose key is made anew once a day at the latest.
// Thread: the loop's. Owner: outlives the connections made from it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tls/certificates.h"
#include "tls/owned.h"

namespace thaw::tls {

class ServerContext {
 public:
  /// Asked at each handshake; null refuses it. `host`: "" when the client names none.
  using Choose = std::function<SharedCertificate(std::string_view host)>;
  explicit ServerContext(Choose choose);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  /// A connection to be: never null.
  ssl_st* make() const;
  /// Tickets given so far are worth nothing from now on: their clients make a full handshake.
  void renew_ticket_key();

 private:
  struct Callbacks;
  Choose choose_;
  ssl_ctx_st* context_;
};

class ClientContext {
 public:
  /// Trusts the machine's own roots, or, where `roots` is not empty, those certificates in PEM and
  /// no others; errors name `source`.
  static Result<std::unique_ptr<ClientContext>> make(std::string_view roots,
                                                     std::string_view source);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  /// A connection to be, to a server that must prove to be `host`: a name or an IP address.
  ssl_st* connect_to(const std::string& host) const;

 private:
  explicit ClientContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

}  // namespace thaw::tls
