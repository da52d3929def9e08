#include "app/otlp_link.h"

#include <utility>

namespace thaw::app {
namespace {

bool is_ip(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

class NamedNet::Attempt final : public io::Connecting {
 public:
  Attempt(NamedNet& net, const io::SocketAddress& address, OnConnect on_connect)
      : on_connect_(std::move(on_connect)) {
    lookup_ = net.names_.find(address.ip, [this, &net, port = address.port](auto found) {
      if (!found) return finish(std::move(found).error());
      below_ = net.below_.connect({found->front(), port},
                                  [this](auto stream) { finish(std::move(stream)); });
    });
  }

 private:
  void finish(Result<std::unique_ptr<io::Stream>> result) {
    const auto callback = std::exchange(on_connect_, nullptr);
    if (callback) callback(std::move(result));  // may destroy this
  }

  OnConnect on_connect_;
  std::unique_ptr<domains::Lookup> lookup_;
  std::unique_ptr<io::Connecting> below_;
};

std::unique_ptr<io::Connecting> NamedNet::connect(const io::SocketAddress& address,
                                                  OnConnect on_connect) {
  if (is_ip(address.ip)) return below_.connect(address, std::move(on_connect));
  return std::make_unique<Attempt>(*this, address, std::move(on_connect));
}

Result<std::unique_ptr<OtlpLink>> OtlpLink::open(const Parts& parts, const UpOptions::Otlp& otlp) {
  std::unique_ptr<OtlpLink> link(new OtlpLink(parts));
  if (otlp.scheme == UpOptions::Otlp::Scheme::kHttp) return link;
  std::string roots;
  if (!otlp.roots.empty()) {
    ASSIGN_OR_RETURN(roots, parts.disk.read_file(otlp.roots, mib(1)));
  }
  ASSIGN_OR_RETURN(link->context_, tls::ClientContext::make(roots, otlp.roots));
  link->encrypted_.emplace(link->named_, parts.loop, *link->context_, otlp.to.ip);
  return link;
}

}  // namespace thaw::app
