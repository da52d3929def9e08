// AcmeOrder: one certificate from an ACME server, from its directory to the chain: which request
// comes next, and what an answer means. Pure: makes no connection, signs nothing, knows no time.
//
// Account, order, HTTP-01 challenge, finalization, download. Every answer is one step; what is to
// be waited for is polled. An expired nonce is replaced and the request repeated. Thread: any.
// Owner: value. Limits: kMostSteps requests an order; URLs of 2 KiB, of https only. Source: RFC
// 8555, 7 and 8.3.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace thaw::domains {

struct AcmeRequest {
  enum class Method { kGet, kHead, kPost } method = Method::kGet;
  std::string url;
  // Of a POST:
  std::string payload;  // JSON, or "" for POST-as-GET
  std::string nonce;
  std::string account;  // its URL; "": the whole public key goes along
};

struct AcmeAnswer {
  int status = 0;
  std::string nonce;                    // Replay-Nonce
  std::string location;                 // Location
  std::optional<Duration> retry_after;  // Retry-After
  std::string body;
};

/// Come back after this time.
struct AcmePause {
  Duration time{0};
};
/// The chain, in PEM.
struct AcmeIssued {
  std::string chain;
};
struct AcmeRefused {
  Error error;
  std::optional<Duration> retry_after;  // the server says so
};
using AcmeStep = std::variant<AcmeRequest, AcmePause, AcmeIssued, AcmeRefused>;

class AcmeOrder {
 public:
  struct Options {
    std::string directory;  // the server's URL
    std::string domain;
    std::string request;     // PKCS #10, DER
    std::string thumbprint;  // of the account's key
    std::string email;       // ""; for the account
  };
  explicit AcmeOrder(Options options) : options_(std::move(options)) {}

  AcmeStep begin();
  /// To the request that was the last step.
  AcmeStep on_answer(const AcmeAnswer& answer);
  /// After an AcmePause.
  AcmeStep on_pause_over();

  /// What http://DOMAIN/.well-known/acme-challenge/TOKEN must answer while the order runs; token ""
  /// before there is one.
  const std::string& token() const { return token_; }
  std::string key_authorization() const { return token_ + "." + options_.thumbprint; }

 private:
  static constexpr int kMostSteps = 200;
  static constexpr int kMostRepeats = 20;  // of a request, for its nonce
  enum class At {
    kDirectory,
    kAccount,
    kOrder,
    kAuthorization,
    kChallenge,
    kValidation,
    kFinalize,
    kIssuing,
    kDownload,
  };

  AcmeStep get(At at, std::string url);
  AcmeStep post(At at, std::string url, std::string payload);
  AcmeStep send();
  AcmeStep poll(At at, std::string url, const AcmeAnswer& answer);
  AcmeStep refuse(Code code, std::string what) const;
  AcmeStep refuse(const AcmeAnswer& answer, const Json& body) const;
  std::optional<AcmeStep> repeat(const AcmeAnswer& answer, const Json& body);

  AcmeStep take(const AcmeAnswer& answer, const Json& body);
  AcmeStep take_directory(const Json& body);
  AcmeStep take_order(const AcmeAnswer& answer, const Json& body);
  AcmeStep take_authorization(const AcmeAnswer& answer, const Json& body);
  AcmeStep take_issuing(const AcmeAnswer& answer, const Json& body);
  AcmeStep finalize();

  Options options_;
  std::string new_nonce_, new_account_, new_order_;
  std::string account_, order_, authorization_, challenge_, finalize_;
  std::string token_;
  std::string nonce_;
  At at_ = At::kDirectory;
  AcmeRequest next_;  // once there is a nonce, or after a pause
  bool fetching_nonce_ = false;
  bool is_told_ = false;  // the challenge
  int steps_ = 0;
  int repeats_ = 0;
  int polls_ = 0;
};

}  // namespace thaw::domains
