// Sessions: cookies by which clients come back to the instance that they had (contract 1.6, session
// affinity). Best effort: who holds a cookie of an instance that is gone is anybody's again.
//
// A cookie says nothing: it is a random name of 128 bits that this table knows an instance by, all
// clients of one instance having the same. Nobody can guess another instance's.
//
// **Thread**: the loop's. **Owner**: a value. **Limits**: one entry an instance that lives; of a
// request's cookies the first with the name counts, and one of another length is not looked up.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/id.h"
#include "http/head.h"
#include "io/entropy.h"

namespace thaw::gateway {

class Sessions {
 public:
  /// As Cloud Run's front end calls it.
  static constexpr std::string_view kName = "GAESA";

  struct Place {
    InstanceId instance;
    RevisionId revision;
  };
  /// Null: the request has no cookie of an instance that lives.
  const Place* find(const http::RequestHead& head) const;
  /// How the client that gets a cookie is connected; what came over TLS goes back by TLS only.
  enum class Link { kPlain, kTls };
  /// The value of a Set-Cookie that leads back to `place` for 30 days.
  std::string cookie(const Place& place, Link link, io::Entropy& entropy);
  void forget(const InstanceId& instance);
  size_t size() const { return places_.size(); }

 private:
  std::unordered_map<std::string, Place> places_;  // by token
  std::unordered_map<InstanceId, std::string> tokens_;
};

/// The value of the first cookie called `name`; empty: there is none (RFC 6265, 4.2.1).
std::string_view find_cookie(const http::RequestHead& head, std::string_view name);

}  // namespace thaw::gateway
