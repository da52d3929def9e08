#include "http/header_id.h"

#include "http/text.h"

namespace thaw::http {
namespace {

struct Known {
  std::string_view name;
  HeaderId id;
};

HeaderId match(std::string_view name, Known known) {
  return equals_ignoring_case(name, known.name) ? known.id : HeaderId::kOther;
}

HeaderId match(std::string_view name, Known first, Known second) {
  const HeaderId id = match(name, first);
  return id != HeaderId::kOther ? id : match(name, second);
}

}  // namespace

HeaderId header_id(std::string_view name) {
  constexpr std::string_view kGoogle = "x-google-";
  if (name.size() > kGoogle.size() &&
      equals_ignoring_case(name.substr(0, kGoogle.size()), kGoogle)) {
    return HeaderId::kXGoogle;
  }
  switch (name.size()) {
    case 2:
      return match(name, {"te", HeaderId::kTe});
    case 4:
      return match(name, {"host", HeaderId::kHost});
    case 6:
      return match(name, {"expect", HeaderId::kExpect});
    case 7:
      return match(name, {"upgrade", HeaderId::kUpgrade}, {"trailer", HeaderId::kTrailer});
    case 9:
      return match(name, {"forwarded", HeaderId::kForwarded});
    case 10:
      switch (name[0] | 0x20) {
        case 'c':
          return match(name, {"connection", HeaderId::kConnection});
        case 'k':
          return match(name, {"keep-alive", HeaderId::kKeepAlive});
        default:
          return match(name, {"set-cookie", HeaderId::kSetCookie});
      }
    case 11:
      return match(name, {"traceparent", HeaderId::kTraceparent});
    case 13:
      return match(name, {"cache-control", HeaderId::kCacheControl});
    case 14:
      return match(name, {"content-length", HeaderId::kContentLength});
    case 15:
      return match(name, {"x-forwarded-for", HeaderId::kXForwardedFor});
    case 16:
      return match(name, {"proxy-connection", HeaderId::kProxyConnection});
    case 17:
      return match(name, {"transfer-encoding", HeaderId::kTransferEncoding},
                   {"x-forwarded-proto", HeaderId::kXForwardedProto});
    case 18:
      return match(name, {"proxy-authenticate", HeaderId::kProxyAuthenticate});
    case 19:
      return match(name, {"proxy-authorization", HeaderId::kProxyAuthorization});
    case 21:
      return match(name, {"x-cloud-trace-context", HeaderId::kXCloudTraceContext});
    default:
      return HeaderId::kOther;
  }
}

}  // namespace thaw::http
