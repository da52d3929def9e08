// Authority: a certificate authority of the platform's own, for names that no public one knows
// (localhost, 127.0.0.1): made at the first use, kept in a folder, its key for its owner only.
//
// Thread: any, one at a time. Owner: value. Limits: P-256 keys; a root for ten years, what it
// issues for 30 days.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/disk.h"
#include "tls/certificate.h"

namespace thaw::tls {

class Authority {
 public:
  /// Reads `folder`/ca.pem and ca-key.pem, or makes them. One that has expired is made anew, with
  /// its key. kFailedPrecondition: others may read the key; kDataLoss: the files are no such pair.
  static Result<Authority> load_or_make(io::Disk& disk, const std::string& folder, WallTime now);

  /// Names are host names in small letters or IP addresses; kInvalidArgument names one that is
  /// neither.
  Result<Certificate> issue(const std::vector<std::string>& names, WallTime now) const;
  /// The same as text.
  struct Pem {
    std::string chain, key;
  };
  Result<Pem> issue_pem(const std::vector<std::string>& names, WallTime now) const;
  /// The root's file, for those who are to trust it.
  const std::string& root_path() const { return root_path_; }
  const std::string& root_pem() const { return root_pem_; }

 private:
  Authority() = default;
  Result<std::shared_ptr<x509_st>> make_leaf(const std::vector<std::string>& names,
                                             WallTime now) const;
  Status make(io::Disk& disk, const std::string& key_path, WallTime now);

  std::string root_path_, root_pem_;
  std::shared_ptr<x509_st> root_;
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<evp_pkey_st> leaf_key_;  // of all that it issues, made at start
};

/// A host name as DNS has them: labels of letters in lower case, digits, '-' and '_', at most 253
/// characters; "*." may stand before it.
bool is_host_name(std::string_view name);

}  // namespace thaw::tls
