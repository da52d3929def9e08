// HandshakeFault: why a client's TLS handshake came to nothing, as metrics count it.
//
// **Thread**: any. **Owner**: none. **Limits**: none.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace thaw::tls {

enum class HandshakeFault {
  kClosed,       // the client went away in the middle
  kTimedOut,     // it was not through in time
  kDisplaced,    // too many others were at it
  kPlainHttp,    // it speaks HTTP without TLS
  kVersion,      // no version of TLS in common
  kCipher,       // no cipher, group or signature in common
  kProtocol,     // it offers neither h2 nor http/1.1 (ALPN)
  kCertificate,  // there is none for the name it asked for
  kAlert,        // it refused ours: it does not trust the certificate
  kMalformed,    // anything else that is no handshake
};

inline constexpr std::array<std::string_view, 10> kHandshakeFaults = {
    "closed", "timed_out", "displaced",   "plain_http", "version",
    "cipher", "protocol",  "certificate", "alert",      "malformed"};

constexpr std::string_view name_of(HandshakeFault fault) {
  return kHandshakeFaults[static_cast<size_t>(fault)];
}

struct HandshakeCounts {
  uint64_t done = 0;
  std::array<uint64_t, kHandshakeFaults.size()> failed{};  // by HandshakeFault

  uint64_t& of(HandshakeFault fault) { return failed[static_cast<size_t>(fault)]; }
  uint64_t of(HandshakeFault fault) const { return failed[static_cast<size_t>(fault)]; }
};

}  // namespace thaw::tls
