#include "io_linux/tcp_net.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>
#include <optional>
#include <vector>

#include "io_linux/loop_testing.h"
#include "io_linux/net_namespace.h"
#include "io_linux/pidfd_processes.h"

namespace thaw::io_linux {
namespace {

using State = io::Transfer::State;

struct Pair {
  std::unique_ptr<io::Listener> listener;
  std::unique_ptr<io::Stream> client;
  std::unique_ptr<io::Stream> server;
};

Pair connect_pair(EpollLoop& loop, TcpNet& net, const std::string& ip = "127.0.0.1") {
  Pair pair;
  auto listener = net.listen({ip, 0}, [&](auto stream) { pair.server = std::move(stream); });
  EXPECT_TRUE(listener) << listener.error().message();
  pair.listener = *std::move(listener);
  const auto connecting = net.connect(pair.listener->address(), [&](auto stream) {
    EXPECT_TRUE(stream);
    pair.client = *std::move(stream);
  });
  run_until(loop, [&] { return pair.client && pair.server; });
  return pair;
}

class BothFamilies : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(TcpNet, BothFamilies, testing::Values("127.0.0.1", "::1"));

TEST_P(BothFamilies, BytesArriveInOrderAndTheEndIsSeen) {
  EpollLoop loop;
  TcpNet net(loop);
  Pair pair = connect_pair(loop, net, GetParam());
  EXPECT_EQ(pair.client->peer().port, pair.listener->address().port);
  EXPECT_EQ(pair.server->peer().ip, GetParam());
  Collector server(std::move(pair.server));
  const std::string_view parts[] = {"one ", "", "two"};
  const io::Transfer t = pair.client->write(parts);
  EXPECT_EQ(t.state, State::kMoved);
  EXPECT_EQ(t.bytes, 7u);
  pair.client->shutdown_write();
  run_until(loop, [&] { return server.ended; });
  EXPECT_EQ(server.text, "one two");
}

TEST(TcpNet, AnIdleConnectionIsKnownToBeClosedBeforeAnyEvent) {
  EpollLoop loop;
  TcpNet net(loop);
  Pair pair = connect_pair(loop, net);
  EXPECT_TRUE(pair.client->is_quiet_and_open());
  write_text(*pair.server, "unasked");
  EXPECT_FALSE(pair.client->is_quiet_and_open());
  pair = connect_pair(loop, net);
  pair.server.reset();
  EXPECT_FALSE(pair.client->is_quiet_and_open());
}

TEST(TcpNet, AFullPeerBlocksAndIsAnnouncedWhenItReads) {
  EpollLoop loop;
  TcpNet net(loop);
  Pair pair = connect_pair(loop, net);
  Collector client(std::move(pair.client));
  const std::string chunk(1 << 20, 'x');
  size_t sent = 0;
  io::Transfer t{};
  while ((t = write_text(*client.stream, chunk)).state == State::kMoved) sent += t.bytes;
  EXPECT_EQ(t.state, State::kWouldBlock);
  EXPECT_EQ(client.writable, 0);
  Collector server(std::move(pair.server));
  run_until(loop, [&] { return client.writable > 0; });
  run_until(loop, [&] { return server.text.size() == sent; });
}

TEST(TcpNet, ReadingBeforeAnythingCameWouldBlock) {
  EpollLoop loop;
  TcpNet net(loop);
  Pair pair = connect_pair(loop, net);
  char buffer[10];
  EXPECT_EQ(pair.client->read(buffer).state, State::kWouldBlock);
}

TEST(TcpNet, WhatHappenedBeforeSetEventsIsAnnounced) {
  EpollLoop loop;
  TcpNet net(loop);
  Pair pair = connect_pair(loop, net);
  write_text(*pair.client, "early");
  pair.client.reset();
  for (int i = 0; i < 3; ++i) loop.turn(milliseconds(1));
  Collector server(std::move(pair.server));
  run_until(loop, [&] { return server.ended; });
  EXPECT_EQ(server.text, "early");
}

TEST(TcpNet, AResetIsABreakNotAnEnd) {
  EpollLoop loop;
  TcpNet net(loop);
  Pair pair = connect_pair(loop, net);
  Collector client(std::move(pair.client));
  write_text(*client.stream, "never read");
  // Closing with unread bytes makes the kernel send a reset.
  bool arrived = false;
  struct Peek final : io::StreamEvents {
    explicit Peek(bool& flag) : flag(flag) {}
    void on_readable() override { flag = true; }
    void on_writable() override {}
    bool& flag;
  } peek(arrived);
  pair.server->set_events(&peek);
  run_until(loop, [&] { return arrived; });
  pair.server.reset();
  run_until(loop, [&] { return client.error != 0; });
  EXPECT_FALSE(client.ended);
}

TEST(TcpNet, ARefusedConnectionSaysWhere) {
  EpollLoop loop;
  TcpNet net(loop);
  io::SocketAddress nobody;
  {
    const auto listener = net.listen({"127.0.0.1", 0}, [](auto) {});
    nobody = (*listener)->address();
  }
  std::optional<Error> error;
  const auto connecting = net.connect(nobody, [&](auto stream) { error = stream.error(); });
  run_until(loop, [&] { return error.has_value(); });
  EXPECT_EQ(error->code(), Code::kUnavailable);
  EXPECT_NE(error->message().find(nobody.str()), std::string::npos) << error->message();
}

TEST(TcpNet, ABadAddressIsReportedInALaterTurn) {
  EpollLoop loop;
  TcpNet net(loop);
  std::optional<Error> error;
  std::unique_ptr<io::Connecting> connecting = net.connect({"localhost", 80}, [&](auto stream) {
    error = stream.error();
    connecting.reset();
  });
  EXPECT_FALSE(error.has_value());
  run_until(loop, [&] { return error.has_value(); });
  EXPECT_EQ(error->code(), Code::kInvalidArgument);
  EXPECT_FALSE(net.listen({"300.1.1.1", 0}, [](auto) {}));
}

TEST(TcpNet, ADroppedAttemptCallsNobody) {
  EpollLoop loop;
  TcpNet net(loop);
  const auto listener = net.listen({"127.0.0.1", 0}, [](auto) {});
  bool called = false;
  {
    const auto attempt = net.connect((*listener)->address(), [&](auto) { called = true; });
  }
  {
    const auto attempt = net.connect({"bad", 1}, [&](auto) { called = true; });
  }
  for (int i = 0; i < 3; ++i) loop.turn(milliseconds(1));
  EXPECT_FALSE(called);
}

TEST(TcpNet, ATakenPortIsAnErrorWithTheAddress) {
  EpollLoop loop;
  TcpNet net(loop);
  const auto first = net.listen({"127.0.0.1", 0}, [](auto) {});
  const auto second = net.listen((*first)->address(), [](auto) {});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message().find((*first)->address().str()), std::string::npos);
}

TEST(TcpNet, AListenerMayBeDestroyedInItsCallback) {
  EpollLoop loop;
  TcpNet net(loop);
  std::unique_ptr<io::Listener> listener;
  int accepted = 0;
  listener = *net.listen({"127.0.0.1", 0}, [&](auto) {
    ++accepted;
    listener.reset();
  });
  const auto address = listener->address();
  const auto a = net.connect(address, [](auto) {});
  const auto b = net.connect(address, [](auto) {});
  run_until(loop, [&] { return accepted > 0; });
  loop.turn(Duration::zero());
  EXPECT_EQ(accepted, 1);
}

TEST(TcpNet, AStreamMayBeDestroyedInItsCallback) {
  EpollLoop loop;
  TcpNet net(loop);
  Pair pair = connect_pair(loop, net);
  struct Suicide final : io::StreamEvents {
    void on_readable() override {
      ++calls;
      stream.reset();
    }
    void on_writable() override { ++calls; }
    std::unique_ptr<io::Stream> stream;
    int calls = 0;
  } events;
  events.stream = std::move(pair.server);
  events.stream->set_events(&events);
  write_text(*pair.client, "bye");
  run_until(loop, [&] { return events.calls > 0; });
  loop.turn(Duration::zero());
  EXPECT_EQ(events.calls, 1);
}

TEST(TcpNet, WithoutDescriptorsAcceptGoesOnWhenOneIsClosed) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer needs descriptors itself: it takes their lack for a bad object";
#endif
  EpollLoop loop;
  TcpNet net(loop);
  std::vector<std::unique_ptr<io::Stream>> accepted;
  const auto listener =
      *net.listen({"127.0.0.1", 0}, [&](auto stream) { accepted.push_back(std::move(stream)); });
  std::unique_ptr<io::Stream> client;
  auto first = net.connect(listener->address(), [&](auto stream) { client = *std::move(stream); });
  run_until(loop, [&] { return client && accepted.size() == 1; });

  const Fd raw(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = static_cast<rlim_t>(raw.get()) + 1, .rlim_max = before.rlim_max};
  std::vector<Fd> fillers;  // use up what is free below the limit
  for (int fd; (fd = ::dup(raw.get())) >= 0 && fd < raw.get();) fillers.emplace_back(fd);
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto address = listener->address();
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(address.port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(raw.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  loop.turn(Duration::zero());
  loop.turn(Duration::zero());
  EXPECT_EQ(accepted.size(), 1u);
  accepted.clear();  // frees a descriptor
  run_until(loop, [&] { return !accepted.empty(); });
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(TcpNet, ListensAndConnectsInsideAnotherNamespace) {
  EpollLoop loop;
  TcpNet net(loop);
  PidfdProcesses processes(loop);
  io::SpawnOptions options{
      .argv = {"unshare", "-n", "sh", "-c", "ip link set lo up && echo up && exec sleep 60"}};
  options.out = io::SpawnOptions::Output::kCapture;
  options.parent = io::SpawnOptions::Parent::kDiesWithUs;
  bool exited = false;
  auto process = processes.spawn(options, [&](auto) { exited = true; });
  ASSERT_TRUE(process) << process.error().message();
  Collector out((*process)->take_out());
  run_until(loop, [&] { return out.text == "up\n" || out.ended; });
  if (out.text != "up\n") GTEST_SKIP() << "needs the right to make a network namespace, and ip(8)";
  auto inside = open_net_namespace((*process)->pid());
  ASSERT_TRUE(inside) << inside.error().message();

  // The same port here and there, so that only the namespace tells them apart.
  std::unique_ptr<io::Stream> here;
  std::unique_ptr<io::Stream> there;
  const auto listener = *net.listen({"127.0.0.1", 0}, [&](auto s) { here = std::move(s); });
  io::SocketAddress address = listener->address();
  address.in = *inside;
  const auto inner = net.listen(address, [&](auto s) { there = std::move(s); });
  ASSERT_TRUE(inner) << inner.error().message();
  std::unique_ptr<io::Stream> client;
  const auto attempt = net.connect(address, [&](auto s) { client = *std::move(s); });
  run_until(loop, [&] { return there && client; });
  EXPECT_EQ(here, nullptr);

  const auto local = net.connect(listener->address(), [&](auto s) { client = *std::move(s); });
  run_until(loop, [&] { return here != nullptr; });
  ASSERT_TRUE((*process)->signal(SIGKILL));
  run_until(loop, [&] { return exited; });
}

TEST(TcpNet, TheNamespaceOfNoProcessIsNotFound) {
  const auto result = open_net_namespace(0x7ffffff0);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace thaw::io_linux
