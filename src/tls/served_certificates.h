// ServedCertificates: all certificates that a server has: from files, from a folder, issued for
// domains, and from the platform's own authority; and which a client gets.
//
// Files are read again when they have changed; a changed one that is no good leaves the old in use
// and is told of in the log, once. Open connections keep the certificate that they began with.
// Chosen by Certificates' rules: given ones first, then issued ones. A client that asks for none of
// their names gets one of the authority's, if it may stand for the name, or else the default: the
// first that was given.
// Thread: the loop's. Owner: disk, clock and authority outlive it.
// Limits: files of 1 MiB; kRemembered certificates of the authority are kept.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "io/clock.h"
#include "io/disk.h"
#include "tls/authority.h"
#include "tls/certificates.h"

namespace thaw::tls {

class ServedCertificates {
 public:
  struct Sources {
    std::vector<CertificateSource> files;  // paths
    std::string folder;                    // "": none; see find_pairs()
    /// Names that the authority may be asked for: these, and those below `authority_below`.
    std::vector<std::string> authority_names;
    std::string authority_below;
  };
  /// `authority` may be null.
  ServedCertificates(io::Disk& disk, io::Clock& clock, const Authority* authority, Sources sources);

  /// Reads everything; the first fault is an error, which names the file.
  Status load();
  /// Reads again what has changed, and says in the log what came of it.
  void reload();
  /// As reload(), and answers how many were read anew and what is wrong with the others.
  struct Changes {
    int read = 0;
    std::vector<std::string> faults;
  };
  Changes look_for_changes();

  void set_issued(const std::string& domain, SharedCertificate certificate);
  void remove_issued(const std::string& domain);
  /// What a client that asks for `asked` gets; null: nothing.
  SharedCertificate choose(std::string_view asked);
  /// Whether a client that asks for `host` gets a certificate that stands for it and that is from
  /// elsewhere than the platform's own authority.
  bool has_public(std::string_view host) const { return map_.find(host) != nullptr; }

 private:
  static constexpr size_t kRemembered = 1024;
  struct Kept {
    std::string mark;
    SharedCertificate certificate;  // the last good one
  };
  using Places = std::vector<CertificateSource>;

  Result<Places> places() const;
  Result<SharedCertificate> read(const CertificateSource& place) const;
  void rebuild();
  SharedCertificate own(std::string_view host);

  io::Disk& disk_;
  io::Clock& clock_;
  const Authority* authority_;
  Sources sources_;
  std::vector<std::string> order_;                   // of kept_, as given
  std::map<std::string, Kept> kept_;                 // by the chain's path
  std::map<std::string, SharedCertificate> issued_;  // by domain
  std::unordered_map<std::string, SharedCertificate> own_;
  Certificates map_;
  SharedCertificate default_;
};

/// The pairs in a folder: NAME.crt or NAME.pem beside NAME.key; NAME/fullchain.pem with
/// NAME/privkey.pem, as certbot keeps them; NAME/tls.crt with NAME/tls.key, as Kubernetes does.
/// kNotFound: there is none.
Result<std::vector<CertificateSource>> find_pairs(io::Disk& disk, const std::string& folder);

}  // namespace thaw::tls
