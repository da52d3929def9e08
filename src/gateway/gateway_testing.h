// For this room's tests: slots that a test gives out by hand, an instance that says what a test
// wants, and a client that speaks raw bytes; all over real sockets on one loop.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/gateway.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"

namespace thaw::gateway {

class FakeSlots final : public SlotSource {
 public:
  class HeldSlot final : public Slot {
   public:
    HeldSlot(FakeSlots& owner, io::SocketAddress address)
        : owner_(owner), address_(std::move(address)) {
      owner_.most_held = std::max(owner_.most_held, ++owner_.held);
    }
    ~HeldSlot() override { --owner_.held; }
    const InstanceId& instance() const override { return owner_.instance; }
    const io::SocketAddress& address() const override { return address_; }
    bool waited_for_start() const override { return false; }
    void first_byte() override { ++owner_.first_bytes; }

   private:
    FakeSlots& owner_;
    io::SocketAddress address_;
  };
  class HeldWaiting final : public Waiting {
   public:
    explicit HeldWaiting(FakeSlots& owner) : owner_(owner) { ++owner_.waiting; }
    ~HeldWaiting() override { --owner_.waiting; }

   private:
    FakeSlots& owner_;
  };

  Acquired acquire(const serving::Arrival& arrival, SlotReceiver& receiver) override {
    ++acquired;
    revisions.push_back(arrival.revision.str());
    preferred.push_back(arrival.preferred != nullptr ? arrival.preferred->str() : "");
    callers.push_back(arrival.caller);
    if (refusal) return *refusal;
    if (!queue) return std::unique_ptr<Slot>(make());
    receivers.push_back(&receiver);
    return std::unique_ptr<Waiting>(std::make_unique<HeldWaiting>(*this));
  }
  std::unique_ptr<Waiting> explain(std::unique_ptr<Slot> slot, SlotReceiver& receiver) override {
    slot.reset();
    ++explained;
    explaining.push_back(&receiver);
    return std::make_unique<HeldWaiting>(*this);
  }
  std::unique_ptr<Slot> make() { return std::make_unique<HeldSlot>(*this, next_address()); }
  io::SocketAddress next_address() {
    if (first_addresses.empty()) return address;
    auto first = first_addresses.front();
    first_addresses.pop_front();
    return first;
  }

  InstanceId instance{"demo-00001-abc-1"};
  io::SocketAddress address;
  std::deque<io::SocketAddress> first_addresses;  // given before `address`
  bool queue = false;
  std::optional<serving::Refusal> refusal;
  std::vector<SlotReceiver*> receivers, explaining;
  std::vector<std::string> revisions, preferred;
  std::vector<serving::CallerId> callers;
  int held = 0, most_held = 0, waiting = 0, acquired = 0, explained = 0, first_bytes = 0;
};

/// An instance: a listener whose connections do what the test says.
class FakeInstance {
 public:
  class Connection final : public io::StreamEvents {
   public:
    Connection(FakeInstance& owner, std::unique_ptr<io::Stream> s)
        : owner_(owner), stream(std::move(s)) {
      stream->set_events(this);
    }
    void on_readable() override {
      std::vector<char> buffer(64 << 10);
      while (stream != nullptr && !paused) {
        const io::Transfer t = stream->read(buffer);
        if (t.state == io::Transfer::State::kWouldBlock) return;
        if (t.state != io::Transfer::State::kMoved) {
          closed = true;
          stream.reset();
          return;
        }
        text.append(buffer.data(), t.bytes);
        owner_.on_bytes(*this);
      }
    }
    void on_writable() override {}
    void send(std::string_view bytes) {
      while (!bytes.empty()) {
        const io::Transfer t = io_linux::write_text(*stream, bytes);
        ASSERT_EQ(t.state, io::Transfer::State::kMoved) << "the test sends too much at once";
        bytes.remove_prefix(t.bytes);
      }
    }
    void close() { stream.reset(); }

   private:
    FakeInstance& owner_;

   public:
    std::unique_ptr<io::Stream> stream;
    std::string text;
    bool closed = false;  // by the gateway
    bool paused = false;  // reads nothing
  };

  explicit FakeInstance(io::Net& net)
      : listener(*net.listen({"127.0.0.1", 0}, [this](auto stream) {
          connections.push_back(std::make_unique<Connection>(*this, std::move(stream)));
        })) {}

  /// By default every head is answered with `answer`.
  std::function<void(Connection&)> on_bytes = [this](Connection& c) {
    if (c.text.find("\r\n\r\n") == std::string::npos) return;
    requests.push_back(std::exchange(c.text, {}));
    c.send(answer);
  };
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  std::vector<std::string> requests;
  std::vector<std::unique_ptr<Connection>> connections;
  std::unique_ptr<io::Listener> listener;
};

struct SeenAccess {
  std::string service, revision, target, trace_id;
  int status;
  uint64_t request_bytes, response_bytes;
};

class GatewayTest : public testing::Test, public AccessObserver {
 protected:
  explicit GatewayTest(GatewayOptions options = {})
      : gateway(std::make_unique<Gateway>(net, loop, slots, this, options)) {
    slots.address = instance.listener->address();
    gateway->set_routes(
        RouteTable("localhost", {{ServiceId("demo"), "", {{RevisionId("demo-1")}}}}));
    address = *gateway->listen({"127.0.0.1", 0});
  }
  void on_request(const AccessRecord& r) override {
    seen.push_back({r.service ? r.service->str() : "", r.revision ? r.revision->str() : "",
                    std::string(r.target), std::string(r.trace->id()), r.status, r.request_bytes,
                    r.response_bytes});
  }

  using Client = std::unique_ptr<io_linux::Collector>;
  Client open(std::string_view bytes = "") {
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net.connect(address, [&](auto s) { stream = *std::move(s); });
    io_linux::run_until(loop, [&] { return stream != nullptr; });
    auto client = std::make_unique<io_linux::Collector>(std::move(stream));
    if (!bytes.empty()) send(client, bytes);
    return client;
  }
  static void send(const Client& to, std::string_view bytes) {
    const io::Transfer t = io_linux::write_text(*to->stream, bytes);
    ASSERT_EQ(t.bytes, bytes.size());
  }
  void until(const std::function<bool()>& done) { io_linux::run_until(loop, done); }
  void until_ends_with(const Client& client, std::string_view end) {
    until([&] { return client->text.ends_with(end) || client->ended || client->error != 0; });
    ASSERT_TRUE(client->text.ends_with(end)) << client->text;
  }
  void until_closed(const Client& client) {
    until([&] { return client->ended || client->error != 0; });
  }
  void turns(int n = 5) {
    for (int i = 0; i < n; ++i) loop.turn(milliseconds(1));
  }

  io_linux::EpollLoop loop;
  io_linux::TcpNet net{loop};
  FakeSlots slots;
  FakeInstance instance{net};
  std::vector<SeenAccess> seen;
  std::unique_ptr<Gateway> gateway;
  io::SocketAddress address;
};

inline constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: demo.localhost\r\n\r\n";

}  // namespace thaw::gateway
