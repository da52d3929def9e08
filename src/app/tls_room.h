// TlsRoom: the platform's TLS: its authority, its certificates, and the nets that its ports listen
// on.
//
// **Thread**: the loop's. **Owner**: the ports outlive it; it outlives who listens.
// **Limits**: files are looked at every five seconds.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/options.h"
#include "io/disk.h"
#include "io/loop.h"
#include "io/net.h"
#include "tls/authority.h"
#include "tls/served_certificates.h"
#include "tls/server_net.h"

namespace thaw::app {

class TlsRoom {
 public:
  TlsRoom(io::Net& net, io::Loop& loop, io::Disk& disk) : net_(net), loop_(loop), disk_(disk) {}

  /// What the options ask for; nothing is made when they ask for no TLS. The first fault in a file
  /// is an error.
  Status open(const UpOptions& options);
  bool is_open() const { return authority_.has_value(); }
  /// Reads what has changed, now; says in the log what came of it.
  void reload();

  /// For the gateway's port; to be called when there is one.
  io::Net& services() { return *services_net_; }
  const tls::ServerNet* server() const { return services_net_ ? &*services_net_ : nullptr; }
  /// For the API's.
  tls::ServerNet& api() { return *api_net_; }
  /// What gsutil must be told to come to the API through TLS, in a file of its own; answers its
  /// path.
  Result<std::string> write_boto(const std::string& folder, const io::SocketAddress& api);
  tls::ServedCertificates* certificates() { return services_ ? &*services_ : nullptr; }
  /// The file of the root that those who come to the API's port are to trust, and that stands for
  /// services without a certificate; "" without TLS.
  std::string root_path() const { return authority_ ? authority_->root_path() : ""; }

 private:
  Status open_services(const UpOptions& options);
  void open_api(const UpOptions& options);
  void watch();

  io::Net& net_;
  io::Loop& loop_;
  io::Disk& disk_;
  std::optional<tls::Authority> authority_;
  std::optional<tls::ServedCertificates> services_;
  std::optional<tls::ServedCertificates> api_;
  std::optional<tls::ServerContext> services_context_;
  std::optional<tls::ServerContext> api_context_;
  std::optional<tls::ServerNet> services_net_;
  std::optional<tls::ServerNet> api_net_;
  io::Timer watching_;
};

}  // namespace thaw::app
