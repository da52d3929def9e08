// MetadataServer: what a program in an instance asks about itself and its service account, as
// Google's metadata server answers it (contract 1.5): project, region, instance, account, tokens.
//
// One for each instance; it tells of that one only, so that a program gets no identity but its own.
// Identity tokens are the platform's (identity/id_token.h). Access tokens are opaque and open
// nothing here: the platform's own doors in an instance ask for none.
// Thread: the loop's. Owner: guard and clock outlive it. Limits: kBurst tokens at once and
// kTokensPerSecond after that, each a signature; beyond it 429. An audience has 2000 bytes.
#pragma once

#include <string>
#include <string_view>

#include "http/message.h"
#include "identity/guard.h"
#include "io/clock.h"

namespace thaw::api {

/// Of whom it tells.
struct MetadataFacts {
  std::string project;
  std::string instance;
  std::string account;  // as the service file names it; empty: the project's default one
};

class MetadataServer {
 public:
  static constexpr double kBurst = 50;
  static constexpr double kTokensPerSecond = 10;

  MetadataServer(identity::Guard& guard, io::Clock& clock, const MetadataFacts& facts);

  http::Response answer(const http::Request& request);
  const std::string& email() const { return email_; }

 private:
  struct Leaf {
    std::string path;  // below /computeMetadata/v1/
    enum class Kind { kText, kNumber, kList } kind;
    std::string text;  // kList: lines
  };
  http::Response token();
  http::Response identity(const http::Request& request);
  http::Response lookup(std::string_view path, const http::Request& request) const;
  bool take_token();

  identity::Guard& guard_;
  io::Clock& clock_;
  std::string email_;
  std::vector<Leaf> leaves_;
  double tokens_ = kBurst;
  Instant counted_;
};

/// "worker" -> "worker@PROJECT.iam.gserviceaccount.com"; "" -> the project's compute account.
std::string account_email(std::string_view account, std::string_view project);

}  // namespace thaw::api
