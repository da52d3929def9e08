#include "gateway/gateway.h"

#include <utility>

#include "base/base64.h"
#include "gateway/client_connection.h"
#include "gateway/core.h"
#include "gateway/h2_client.h"
#include "gateway/replies.h"

namespace thaw::gateway {
namespace {

constexpr size_t kBufferSize = 64 << 10;
constexpr std::string_view kSwitching =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

}  // namespace

GatewayCore::GatewayCore(io::Net& n, io::Loop& l, SlotSource& s, AccessObserver* o,
                         const GatewayOptions& opt)
    : net(n),
      loop(l),
      slots(s),
      observer(o),
      options(opt),
      pool(l),
      h2_pool(l),
      client_buffer(kBufferSize),
      upstream_buffer(kBufferSize),
      random_state(opt.seed) {}

GatewayCore::~GatewayCore() {
  connections.clear();  // before the clients whose streams they have
}

void GatewayCore::accept(std::unique_ptr<io::Stream> stream, Via via) {
  // A request by HTTP/2 was counted before its stream was taken.
  const bool is_refused = via == Via::kHttp1 && is_full();
  if (is_refused && count() >= options.max_connections + most_refused()) return;
  connections.push_back(std::make_unique<ClientConnection>(*this, std::move(stream), via));
  ClientConnection& connection = *connections.back();
  connection.index = connections.size() - 1;
  if (is_refused) connection.refuse(too_many_connections());
}

void GatewayCore::remove(ClientConnection& connection) {
  const size_t index = connection.index;
  const auto gone = std::exchange(connections[index], std::move(connections.back()));
  connections.pop_back();
  if (index < connections.size()) connections[index]->index = index;
  tell_when_drained();
}

/// Its place is the one that it had as a connection of HTTP/1, which goes now.
void GatewayCore::accept_h2(std::unique_ptr<io::Stream> stream, std::string_view bytes) {
  h2_clients.push_back(std::make_unique<H2Client>(*this, std::move(stream)));
  h2_clients.back()->index = h2_clients.size() - 1;
  h2_clients.back()->begin(bytes, "");
}

bool GatewayCore::upgrade(std::unique_ptr<io::Stream>& stream, const http::RequestHead& head,
                          std::string_view bytes) {
  const auto* settings = head.find("http2-settings");
  if (!from_base64(settings->value)) return false;
  auto client = std::make_unique<H2Client>(*this, std::move(stream));
  client->index = h2_clients.size();
  H2Client& kept = *client;
  h2_clients.push_back(std::move(client));
  if (!kept.upgrade(settings->value, head)) kept.end(http::H2Error::kProtocol);
  kept.begin(bytes, kSwitching);
  return true;
}

void GatewayCore::remove(H2Client& client) {
  const size_t index = client.index;
  const auto gone = std::exchange(h2_clients[index], std::move(h2_clients.back()));
  h2_clients.pop_back();
  if (index < h2_clients.size()) h2_clients[index]->index = index;
  tell_when_drained();
}

void GatewayCore::tell_when_drained() {
  if (!draining || !connections.empty() || !h2_clients.empty() || !drained) return;
  drained_timer = loop.after(Duration::zero(), std::exchange(drained, nullptr));
}

/// SplitMix64 (Steele, Lea, Flood 2014): for shares and trace ids, not for secrets.
uint64_t GatewayCore::random() {
  uint64_t z = (random_state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

Gateway::Gateway(io::Net& net, io::Loop& loop, SlotSource& slots, AccessObserver* observer,
                 const GatewayOptions& options)
    : core_(std::make_unique<GatewayCore>(net, loop, slots, observer, options)) {}

Gateway::~Gateway() = default;

Result<io::SocketAddress> Gateway::listen(const io::SocketAddress& address) {
  return listen(core_->net, address);
}

Result<io::SocketAddress> Gateway::listen(io::Net& net, const io::SocketAddress& address) {
  auto listener = net.listen(address, [this](auto stream) { core_->accept(std::move(stream)); });
  if (!listener) return std::move(listener).error();
  listeners_.push_back(*std::move(listener));
  return listeners_.back()->address();
}

void Gateway::set_routes(RouteTable routes) { core_->routes = std::move(routes); }

void Gateway::set_routes(const ServiceId& service, std::vector<Route> routes) {
  core_->routes.set(service, std::move(routes));
}

void Gateway::drop_idle(const InstanceId& instance) {
  core_->pool.drop(instance);
  core_->h2_pool.drop(instance);
}

void Gateway::instance_gone(const InstanceId& instance) {
  drop_idle(instance);
  core_->sessions.forget(instance);
}

void Gateway::drain(std::function<void()> done) {
  listeners_.clear();
  core_->draining = true;
  core_->drained = std::move(done);
  // Backwards: an idle connection takes itself out and the last one takes its place.
  for (size_t i = core_->connections.size(); i-- > 0;) core_->connections[i]->drain();
  for (const auto& client : core_->h2_clients) client->drain();
  core_->tell_when_drained();
}

size_t Gateway::connections() const { return core_->count(); }

}  // namespace thaw::gateway
