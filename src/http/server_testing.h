// ServerTest: an http::Server on a loopback socket, and raw bytes to it. For tests.
// **Thread**: the test's. **Owner**: itself.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "http/server.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"

namespace thaw::http {

/// A server with a handler that each test chooses, and raw bytes to it.
class ServerTest : public testing::Test {
 protected:
  void serve(Server::Options options = {}) {
    server = std::make_unique<Server>(net, loop, options, [this](Request r, Responder responder) {
      ++handled;
      handler(std::move(r), std::move(responder));
    });
    address = *server->listen({"127.0.0.1", 0});
  }

  /// Connects and sends `bytes`.
  std::unique_ptr<io_linux::Collector> open(std::string_view bytes = "") {
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net.connect(address, [&](auto s) { stream = *std::move(s); });
    io_linux::run_until(loop, [&] { return stream != nullptr; });
    auto collector = std::make_unique<io_linux::Collector>(std::move(stream));
    if (!bytes.empty()) send(*collector, bytes);
    return collector;
  }
  static void send(io_linux::Collector& to, std::string_view bytes) {
    const io::Transfer t = io_linux::write_text(*to.stream, bytes);
    ASSERT_EQ(t.bytes, bytes.size());
  }
  /// All that the server says to `bytes` until it closes.
  std::string talk(std::string_view bytes) {
    const auto client = open(bytes);
    io_linux::run_until(loop, [&] { return client->ended || client->error != 0; });
    return client->text;
  }
  int status_of(std::string_view bytes) {
    const std::string answer = talk(bytes);
    return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3));
  }
  void turns(int n = 5) {
    for (int i = 0; i < n; ++i) loop.turn(milliseconds(1));
  }

  io_linux::EpollLoop loop;
  io_linux::TcpNet net{loop};
  Server::Handler handler = [](Request r, Responder responder) {
    responder.answer(Response::text(200, r.method + " " + r.target + " " + r.body));
  };
  int handled = 0;
  io::SocketAddress address;
  std::unique_ptr<Server> server;
};

}  // namespace thaw::http
