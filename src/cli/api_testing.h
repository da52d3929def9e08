// For tests of this room only: a fake API over real loopback sockets on the test's own loop.
// Thread: one: the fake answers in the turns that a command waits in. Owner: the test.
// Limits: none.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "cli/cli_testing.h"
#include "http/server.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/local_disk.h"
#include "io_linux/tcp_net.h"

namespace thaw::cli {

class RealPorts final : public Ports {
 public:
  RealPorts() : net_(loop_) {}
  io::Loop& loop() override { return loop_; }
  io::Net& net() override { return net_; }
  io::Disk& disk() override { return disk_; }

 private:
  io_linux::EpollLoop loop_;
  io_linux::TcpNet net_;
  io_linux::LocalDisk disk_;
};

/// Answers "METHOD PATH" (without the query) as it was told and remembers what it was asked.
class FakeApi {
 public:
  using Answer = std::function<http::Response(const http::Request&)>;
  using StreamedAnswer = std::function<void(const http::Request&, http::Responder)>;

  explicit FakeApi(Ports& ports)
      : server_(ports.net(), ports.loop(), {}, [this](http::Request request, http::Responder to) {
          handle(std::move(request), std::move(to));
        }) {
    auto address = server_.listen({"127.0.0.1", 0});
    CHECK(address.has_value(), "the kernel gives a port");
    address_ = *address;
  }

  const io::SocketAddress& address() const { return address_; }
  void on(const std::string& what, Answer answer) { answers_[what] = std::move(answer); }
  void on_json(const std::string& what, const Json& body) {
    on(what,
       [text = body.dump()](const http::Request&) { return http::Response::json(200, text); });
  }
  void on_streamed(const std::string& what, StreamedAnswer answer) {
    streamed_[what] = std::move(answer);
  }

  /// "GET /thaw/v1/instances" for each request, in order, with the query.
  std::vector<std::string> asked() const {
    std::vector<std::string> lines;
    for (const http::Request& each : requests) lines.push_back(each.method + " " + each.target);
    return lines;
  }

  std::vector<http::Request> requests;

 private:
  void handle(http::Request request, http::Responder responder) {
    requests.push_back(request);
    const std::string what = request.method + " " + request.path;
    if (const auto it = streamed_.find(what); it != streamed_.end()) {
      return it->second(request, std::move(responder));
    }
    const auto it = answers_.find(what);
    responder.answer(it != answers_.end() ? it->second(request) : not_found(what));
  }

  static http::Response not_found(const std::string& what) {
    return http::Response::json(
        404, Json::object({{"error", Json::object({{"code", 404},
                                                   {"status", "NOT_FOUND"},
                                                   {"message", what + " is not here"}})}})
                 .dump());
  }

  http::Server server_;
  io::SocketAddress address_;
  std::map<std::string, Answer> answers_;
  std::map<std::string, StreamedAnswer> streamed_;
};

inline constexpr char kServices[] = "/apis/serving.knative.dev/v1/namespaces/default/services";
inline constexpr char kRevisions[] = "/apis/serving.knative.dev/v1/namespaces/default/revisions";

/// Runs commands against a FakeApi.
class ApiTest : public ::testing::Test {
 protected:
  ApiTest() : api(ports) { terminal.variables["THAW_API_ADDRESS"] = api.address().str(); }

  int thaw(const std::vector<std::string>& words) {
    terminal.out.clear();
    terminal.err.clear();
    return run_words(words, fakes.programs(), terminal, ports);
  }
  Json out_json() const {
    auto json = Json::parse(terminal.out);
    EXPECT_TRUE(json) << terminal.out;
    return json ? *json : Json();
  }
  static Json parsed(const std::string& text) {
    auto json = Json::parse(text);
    EXPECT_TRUE(json) << json.error().message() << text;
    return json ? *json : Json();
  }

  RealPorts ports;
  FakePrograms fakes;
  FakeTerminal terminal;
  FakeApi api;
};

}  // namespace thaw::cli
