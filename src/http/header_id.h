// HeaderId: the headers that this program treats specially, so that a name is compared once.
// Thread: any.
#pragma once

#include <string_view>

namespace thaw::http {

enum class HeaderId : unsigned char {
  kOther,
  kCacheControl,
  kConnection,
  kContentLength,
  kExpect,
  kForwarded,
  kHost,
  kKeepAlive,
  kProxyAuthenticate,
  kProxyAuthorization,
  kProxyConnection,
  kSetCookie,
  kTe,
  kTraceparent,
  kTrailer,
  kTransferEncoding,
  kUpgrade,
  kXCloudTraceContext,
  kXForwardedFor,
  kXForwardedProto,
  kXGoogle,  // every name that begins with X-Google-
};

HeaderId header_id(std::string_view name);

}  // namespace thaw::http
