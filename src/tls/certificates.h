// Certificates: which certificate a client gets, by the host name that it asked for. Pure.
//
// The exact name first, then a wildcard's, then the default. Of two certificates for one name, the
// one that was added first stays.
// Thread: any. Owner: value; certificates are shared with connections that use them still.
// Limits: none of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tls/certificate.h"

namespace thaw::tls {

using SharedCertificate = std::shared_ptr<const Certificate>;

class Certificates {
 public:
  /// Under all its names.
  void add(SharedCertificate certificate);
  /// For clients that name no host, or one that no certificate stands for.
  void set_default(SharedCertificate certificate) { default_ = std::move(certificate); }

  /// Null when there is none, not even a default. `host`: as the client sent it, "" when it sent
  /// none; case and a dot at its end do not matter.
  SharedCertificate choose(std::string_view host) const;
  /// Likewise, without the default.
  SharedCertificate find(std::string_view host) const;
  size_t names() const { return by_name_.size(); }

 private:
  std::unordered_map<std::string, SharedCertificate> by_name_;  // wildcards as "*.example.org"
  SharedCertificate default_;
};

/// In small letters, without a dot at the end.
std::string normalize_name(std::string_view host);

}  // namespace thaw::tls
