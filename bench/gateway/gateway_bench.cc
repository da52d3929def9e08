// The gateway's data plane alone: real sockets and code, but slots of one address without limit.
//
// Usage: gateway_bench UPSTREAM_PORT; prints its own port, serves the host bench.localhost until it
// is ended. For profiling without the platform around it.
#include <cstdio>
#include <cstdlib>

#include "gateway/gateway.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/tcp_net.h"

namespace thaw {
namespace {

class FixedSlot final : public gateway::Slot {
 public:
  FixedSlot(const InstanceId& instance, const io::SocketAddress& address)
      : instance_(instance), address_(address) {}
  const InstanceId& instance() const override { return instance_; }
  const io::SocketAddress& address() const override { return address_; }
  bool waited_for_start() const override { return false; }
  void first_byte() override {}

 private:
  const InstanceId& instance_;
  const io::SocketAddress& address_;
};

class FixedSlots final : public gateway::SlotSource {
 public:
  explicit FixedSlots(uint16_t port) : address_{"127.0.0.1", port} {}
  gateway::Acquired acquire(const serving::Arrival&, gateway::SlotReceiver&) override {
    return std::unique_ptr<gateway::Slot>(std::make_unique<FixedSlot>(instance_, address_));
  }
  std::unique_ptr<gateway::Waiting> explain(std::unique_ptr<gateway::Slot>,
                                            gateway::SlotReceiver&) override {
    std::fputs("the upstream closed without an answer\n", stderr);
    std::exit(1);
  }

 private:
  InstanceId instance_{"bench-00001-abc-1"};
  io::SocketAddress address_;
};

class Facts final : public gateway::AccessObserver {
 public:
  void on_request(const gateway::AccessRecord& record) override { latency += record.latency; }
  Duration latency{0};
};

}  // namespace
}  // namespace thaw

int main(int argc, char** argv) {
  using namespace thaw;
  if (argc != 2) return 2;
  io_linux::EpollLoop loop;
  io_linux::TcpNet net(loop);
  FixedSlots slots(static_cast<uint16_t>(std::atoi(argv[1])));
  Facts facts;
  gateway::Gateway gateway(net, loop, slots, &facts, {});
  gateway.set_routes(gateway::RouteTable(
      "localhost", {{ServiceId("bench"), "", {{RevisionId("bench-00001-abc")}}}}));
  const auto address = gateway.listen({"127.0.0.1", 0});
  if (!address) return 1;
  std::printf("%d\n", address->port);
  std::fflush(stdout);
  loop.run();
}
