// Signed URLs: what the query of one says, and the texts whose signature it carries. Pure.
//
// Version 4 (GOOG4-RSA-SHA256) and version 2 (GoogleAccessId, Expires, Signature), which Google's
// Node library still makes unless told otherwise. Whether the signature is the account's is asked
// of a Signatories.
// **Thread**: any. **Owner**: values. **Limits**: version 4 holds for 1 s to 7 days; the clocks may
// differ by 15 minutes.
// Source: Cloud Storage's "Canonical requests", "Signatures" and "V2 signing process".
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "http/message.h"
#include "storage_api/xml_error.h"

namespace thaw::storage_api {

struct SignedUrl {
  /// What was signed, if the sender's host is as `canonical` begins with or says.
  struct Text {
    std::string canonical;  // of version 4; "" of version 2
    std::string to_sign;
  };
  std::string account;  // "worker@example.iam.gserviceaccount.com"
  /// One of these: clients sign the host with its port or without it.
  std::vector<Text> texts;
  std::string signature;  // bytes
};

struct NotSigned {};
using SignedUrlReading = std::variant<NotSigned, SignedUrl, XmlError>;

/// Whether the query has a parameter that only signed URLs have.
bool is_signed(const http::Query& query);
/// `resource`: "/BUCKET/OBJECT" encoded, wherever the bucket stood (version 2 signs that).
SignedUrlReading read_signed_url(const http::Request& request, std::string_view resource,
                                 WallTime now);

/// The path with each byte encoded but letters, digits, "-._~" and "/". nullopt: malformed escapes.
std::optional<std::string> canonical_path(std::string_view path);
/// All parameters but the signature, encoded and sorted.
std::string canonical_query(const http::Query& query);

/// Whose signatures are good. **Thread**: the loop's.
class Signatories {
 public:
  enum class Verdict { kGood, kWrong, kUnknownAccount };
  virtual ~Signatories() = default;
  virtual Verdict judge(std::string_view account, std::string_view text,
                        std::string_view signature) = 0;
};

/// Answers the refusal, or nothing where the request may go on.
std::optional<XmlError> refusal_of(const SignedUrl& url, Signatories& signatories);

}  // namespace thaw::storage_api
